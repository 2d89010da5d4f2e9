"""photo_patches: 32x32 colour patches of photographs that need no download."""
