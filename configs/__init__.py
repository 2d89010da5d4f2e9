"""One ml_collections config a file; `base` holds the defaults of all of them."""
