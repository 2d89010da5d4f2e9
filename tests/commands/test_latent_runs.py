"""Which test images a mode shows."""

import numpy as np
import pytest

from tfp_glow.commands import latent_runs


def test_the_images_are_different_ones_of_the_test_split(faces):
  images = latent_runs.choose_images(faces, 4, seed=0).images
  assert sorted(images[:, 0, 0, 0]) == [0, 5, 10, 15]
  assert np.all(images == images[:, :1, :1, :1])


def test_the_seed_chooses_them(faces):
  shown = lambda seed: tuple(latent_runs.choose_images(faces, 4, seed).images[:, 0, 0, 0])
  assert len({shown(seed) for seed in range(6)}) > 2
  assert len({shown(seed) for seed in range(0, 6 * 2**32, 2**32)}) > 2


@pytest.mark.parametrize('seed', [-1, 2**32, 2**64, -10**30])
def test_any_int_is_a_seed(faces, seed):
  images = latent_runs.choose_images(faces, 2, seed).images
  assert images.shape == (2, 8, 8, 3) and images[0, 0, 0, 0] != images[1, 0, 0, 0]
  np.testing.assert_array_equal(images, latent_runs.choose_images(faces, 2, seed).images)
