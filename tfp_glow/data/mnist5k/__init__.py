"""mnist5k: 5,000 MNIST digits that need no download."""
