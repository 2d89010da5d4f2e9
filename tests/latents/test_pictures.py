"""Grids of pictures from a tiny model."""

import numpy as np
import pytest

from tests.serving import tiny
from tfp_glow import latents


@pytest.fixture(scope='module', name='pictures')
def fixture_pictures():
  # Fewer at a time than there are, so that the parts are put together again.
  return latents.LatentPictures(tiny.tiny().model, batch_size=4)


IMAGES, OTHERS = tiny.make_images(2), tiny.make_images(2, 5)


@pytest.mark.parametrize('method, per_scale', [('linear', False), ('spherical', True)])
def test_interpolation(pictures, method, per_scale):
  grid = pictures.interpolation(IMAGES, OTHERS, 5, method, per_scale)
  assert grid.shape == (2, 5, *tiny.SHAPE) and grid.dtype == np.uint8
  np.testing.assert_array_equal(grid[:, 0], IMAGES)
  np.testing.assert_array_equal(grid[:, -1], OTHERS)


def test_direction(pictures):
  grid = pictures.direction(IMAGES, tiny.tiny().directions['smile'], [-0.5, 0., 0.5])
  assert grid.shape == (2, 3, *tiny.SHAPE)
  np.testing.assert_array_equal(grid[:, 1], IMAGES)
  assert (grid[:, 0] != grid[:, 2]).any()


def test_mixing(pictures):
  grid = pictures.mixing(IMAGES, OTHERS)
  assert grid.shape == (2, 3, *tiny.SHAPE)
  np.testing.assert_array_equal(grid[:, 0], OTHERS)
  np.testing.assert_array_equal(grid[:, -1], IMAGES)


def test_scales(pictures):
  grid = pictures.scales(2, 4, temperature=0.7, seed=3)
  assert grid.shape == (4, 4, *tiny.SHAPE)
  np.testing.assert_array_equal(grid[0, 0], grid[1, 0])
  samples = tiny.tiny().model.sample(2, 0.7, (3, 0)).numpy()
  np.testing.assert_array_equal(grid[[0, 2], 0], samples)
  assert (grid[0, 1] != grid[0, 2]).any()
  np.testing.assert_array_equal(grid, pictures.scales(2, 4, temperature=0.7, seed=3))


@pytest.mark.parametrize('seed', [-1, 2**32, 2**64, -10**30])
def test_any_int_is_a_seed(pictures, seed):
  grid = pictures.scales(1, 3, seed=seed)
  np.testing.assert_array_equal(grid, pictures.scales(1, 3, seed=seed))
  assert (grid != pictures.scales(1, 3, seed=seed + 1)).any()
