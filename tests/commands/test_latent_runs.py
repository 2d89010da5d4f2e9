"""Which test images a mode shows."""

import numpy as np

from tfp_glow.commands import latent_runs


def test_the_images_are_different_ones_of_the_test_split(faces):
  images = latent_runs.choose_images(faces, 4, seed=0)
  assert sorted(images[:, 0, 0, 0]) == [0, 5, 10, 15]
  assert np.all(images == images[:, :1, :1, :1])
