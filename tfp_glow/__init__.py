"""Glow for TensorFlow Probability."""
