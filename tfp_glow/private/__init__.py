"""What tfp_glow uses of libraries beyond their public API, one module a library."""
