"""Surprise by scale and place: (|z_i|^2 - D_i) / (2 D log 2), and the squares behind it."""

import math

import numpy as np
import pytest

from tfp_glow.demo import surprise

SHAPES = [(4, 4, 6), (2, 2, 24)]
LATENTS = np.random.RandomState(0).randn(3, 192).astype(np.float32)


def test_squares_stand_where_the_latents_do():
  latents = np.zeros([192], np.float32)
  latents[(1 * 4 + 2) * 6 + 5] = 3.  # Scale 0, row 1, column 2.
  latents[96 + 24:96 + 48] = 2.  # Scale 1, row 0, column 1.
  fine, coarse = surprise.mean_squares(latents, SHAPES)
  expected = np.zeros([4, 4])
  expected[1, 2] = 9. / 6.
  np.testing.assert_allclose(fine, expected)
  np.testing.assert_allclose(coarse, [[0., 4.], [0., 0.]])
  assert [part.shape for part in surprise.mean_squares(LATENTS, SHAPES)] == [(3, 4, 4), (3, 2, 2)]


def test_excess_bits_are_those_of_the_base_density():
  def bits(z):
    return (0.5 * np.square(z) + 0.5 * math.log(2. * math.pi)).sum() / (192. * math.log(2.))

  latent = 1.3 * LATENTS[0]
  found = surprise.excess_bits(surprise.mean_squares(latent, SHAPES), SHAPES)
  # Of D numbers whose squares are 1, as expected.
  expected = [bits(part) - bits(np.ones([96])) for part in (latent[:96], latent[96:])]
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_shares():
  squares = surprise.mean_squares(LATENTS[0], SHAPES)
  others = surprise.mean_squares(np.stack([0.5 * LATENTS[0], 2. * LATENTS[0], LATENTS[0]]), SHAPES)
  assert surprise.shares(squares, others) == [pytest.approx(1. / 3.)] * 2
  assert surprise.shares(squares, None) == [None, None]


def test_more_surprise_is_brighter():
  colours = surprise.heat(np.float32([[0., 0.5, 1., 2., 4., 99.]]))
  brightness = colours.astype(int).sum(-1)[0]
  assert colours.dtype == np.uint8 and (np.diff(brightness[:5]) > 0).all()
  assert brightness[5] == brightness[4]
