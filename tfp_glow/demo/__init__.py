"""The page on which people move through latent space: python -m tfp_glow.demo --workdir=..."""
