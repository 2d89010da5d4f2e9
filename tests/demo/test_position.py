"""What the sliders make of a position."""

import numpy as np
import pytest

from tfp_glow import latents
from tfp_glow.demo import position as position_lib

SHAPES = [(4, 4, 6), (2, 2, 24)]
SIZE = 192
HERE, THERE = np.random.RandomState(0).randn(2, SIZE).astype(np.float32)
DIRECTIONS = {'up': np.ones([SIZE], np.float32), 'down': np.full([SIZE], -2., np.float32)}


def move(**changes):
  return move_with_label(**changes)[0]


def move_with_label(**changes):
  moves = dict(blend=0., method='linear', temperature=0.7, scale_seeds=[0, 0], strengths={})
  return position_lib.move(position_lib.Position(HERE, THERE, label=0, other_label=2),
                           position_lib.Moves(**{**moves, **changes}), SHAPES, DIRECTIONS)


def test_sliders_at_0_leave_the_latent():
  np.testing.assert_array_equal(move(strengths={'up': 0.}), HERE)


@pytest.mark.parametrize('method', ['linear', 'spherical'])
def test_blend(method):
  np.testing.assert_allclose(move(blend=1., method=method), THERE, atol=1e-5)
  expected = latents.interpolate(HERE[None], THERE[None], [0.3], method)[0, 0]
  np.testing.assert_allclose(move(blend=0.3, method=method), expected, atol=1e-6)


def test_scales():
  moved = move(scale_seeds=[0, 5])
  np.testing.assert_array_equal(moved[:96], HERE[:96])
  assert np.abs(moved[96:] - HERE[96:]).max() > 0.5
  expected = latents.resample_scales(HERE[None], SHAPES, [1], 0.7, (0, 5))[0]
  np.testing.assert_array_equal(moved, expected)


def test_directions_add_up():
  moved = move(strengths={'up': 0.5, 'down': 0.25})
  np.testing.assert_allclose(moved, HERE, atol=1e-6)
  np.testing.assert_allclose(move(strengths={'up': 0.5}), HERE + 0.5, atol=1e-6)
  np.testing.assert_array_equal(DIRECTIONS['up'], 1.)


def test_the_label_is_that_of_the_nearer_picture():
  labels = [move_with_label(blend=blend, label=1)[1] for blend in (0., 0.5, 0.52, 1.)]
  assert labels == [1, 1, 2, 2]


def test_what_is_moved_is_counted():
  position = position_lib.Position(HERE, THERE, label=1)
  count = lambda **moves: position_lib.Moves(0.7, **moves).count(position)
  assert count(label=1, scale_seeds=[0, 0], strengths={'up': 0.}) == 0
  assert count(label=2, blend=0.1, scale_seeds=[0, 3], strengths={'up': 1., 'down': 0.}) == 4
