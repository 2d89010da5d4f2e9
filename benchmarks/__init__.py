"""Measurements: each program prints what it measured and against what."""
