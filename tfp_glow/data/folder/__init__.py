"""folder: the images that lie in a folder of the user's own."""
