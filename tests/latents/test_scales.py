"""Scales of one latent with those of another, or fresh ones."""

import numpy as np
import pytest

from tests.latents import fakes
from tfp_glow import latents

FINE, COARSE = np.zeros([3, fakes.SIZE], np.float32), np.ones([3, fakes.SIZE], np.float32)


@pytest.mark.parametrize('num_coarse, from_coarse', [(0, 0), (1, 96), (2, 192)])
def test_the_coarsest_scales_are_the_last(num_coarse, from_coarse):
  mixed = latents.mix_scales(COARSE, FINE, fakes.SHAPES, num_coarse).numpy()
  np.testing.assert_array_equal(mixed[:, fakes.SIZE - from_coarse:], 1.)
  np.testing.assert_array_equal(mixed[:, :fakes.SIZE - from_coarse], 0.)


def test_more_scales_than_there_are():
  with pytest.raises(ValueError, match='must lie between 0 and 2, the number of scales, got 3'):
    latents.mix_scales(COARSE, FINE, fakes.SHAPES, 3)


def test_fresh_scales_depend_on_the_seed_and_the_scale():
  draw = lambda *arguments, **more: latents.resample_scales(
      COARSE, fakes.SHAPES, *arguments, **more).numpy()
  fine = draw([0], 0.5, seed=(0, 1))
  np.testing.assert_array_equal(fine[:, 96:], 1.)
  assert 0.4 < fine[:, :96].std() < 0.6
  np.testing.assert_array_equal(draw([0, 1], 0.5, seed=(0, 1))[:, :96], fine[:, :96])
  assert np.abs(draw([0], 0.5, seed=(0, 2)) - fine).max() > 0.1
  both = draw([0, 1], 1., seed=(0, 1))
  assert np.abs(both[:, :96] - both[:, 96:]).max() > 0.1
  np.testing.assert_array_equal(draw([], 1.), COARSE)
  with pytest.raises(ValueError, match='got .5.'):
    draw([5])
