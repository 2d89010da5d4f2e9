"""linear: (1 - t) a + t b;  spherical: (sin((1 - t) w) a + sin(t w) b) / sin w."""

import numpy as np
import pytest
import tensorflow as tf

from tests.latents import fakes
from tfp_glow import latents

WEIGHTS = np.linspace(0., 1., 5, dtype=np.float32)
BLOCKS = [slice(0, 96), slice(96, 192)]


@pytest.fixture(name='ends')
def fixture_ends():
  random = np.random.RandomState(0)
  return [random.randn(3, fakes.SIZE).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize('method', ['linear', 'spherical'])
@pytest.mark.parametrize('shapes', [None, fakes.SHAPES])
def test_it_begins_and_ends_at_the_ends(ends, method, shapes):
  path = latents.interpolate(*ends, WEIGHTS, method, shapes).numpy()
  assert path.shape == (3, 5, fakes.SIZE)
  np.testing.assert_allclose(path[:, 0], ends[0], atol=1e-5)
  np.testing.assert_allclose(path[:, -1], ends[1], atol=1e-5)


def test_linear(ends):
  path = latents.interpolate(*ends, WEIGHTS).numpy()
  np.testing.assert_allclose(path[:, 1], 0.75 * ends[0] + 0.25 * ends[1], rtol=1e-5, atol=1e-6)


def test_spherical_keeps_the_length_and_turns_evenly(ends):
  start, end = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in ends]
  path = latents.interpolate(start, end, WEIGHTS, 'spherical').numpy()
  np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1., atol=1e-5)
  cosines = np.sum(path[:, 1:] * path[:, :-1], -1)
  np.testing.assert_allclose(cosines, cosines[:, :1].repeat(4, 1), atol=1e-5)


def test_spherical_per_scale_keeps_the_length_of_each_scale(ends):
  for block in BLOCKS:
    for x in ends:
      x[:, block] /= np.linalg.norm(x[:, block], axis=-1, keepdims=True)
  path = latents.interpolate(*ends, WEIGHTS, 'spherical', fakes.SHAPES).numpy()
  for block in BLOCKS:
    np.testing.assert_allclose(np.linalg.norm(path[..., block], axis=-1), 1., atol=1e-5)


def test_parallel_latents_are_joined_by_a_line(ends):
  path = latents.interpolate(ends[0], 2. * ends[0], WEIGHTS, 'spherical').numpy()
  np.testing.assert_allclose(path[:, 2], 1.5 * ends[0], rtol=1e-5)


def test_the_gradient_is_finite_and_that_of_the_path(ends):
  """At parallel ends too, where the angle itself has none."""
  start = tf.constant(ends[0])
  for end in (start, 2. * start, -start, tf.constant(ends[1])):
    with tf.GradientTape() as tape:
      tape.watch([start, end])
      loss = tf.reduce_sum(latents.interpolate(start, end, [.25], 'spherical')**2)
    gradients = tape.gradient(loss, [start, end])
    assert np.all(np.isfinite(gradients))
    if np.array_equal(end, 2. * start):
      # Of a line with t = 1/4: 2 (3/4 a + 1/4 b) times 3/4, and times 1/4.
      np.testing.assert_allclose(gradients[0], 1.875 * ends[0], rtol=1e-5)
      np.testing.assert_allclose(gradients[1], .625 * ends[0], rtol=1e-5)


@pytest.mark.parametrize('scale', [0, 1])
def test_only_the_chosen_scales_move(ends, scale):
  path = latents.interpolate(*ends, WEIGHTS, 'linear', fakes.SHAPES, [scale]).numpy()
  moving, still = BLOCKS[scale], BLOCKS[1 - scale]
  np.testing.assert_array_equal(path[:, -1, moving], ends[1][:, moving])
  np.testing.assert_array_equal(path[:, -1, still], ends[0][:, still])


@pytest.mark.parametrize('arguments, message', [
    (('cubic',), r"must be one of \('linear', 'spherical'\), got 'cubic'"),
    (('linear', fakes.SHAPES, [2]), r'the scales are 0 \(the finest\) to 1, got \[2\]'),
    (('linear', None, [0]), 'latent_shapes is needed'),
    (('linear', [(2, 2, 2)]), 'have 8 elements, got the shape')])
def test_what_makes_no_sense_is_refused(ends, arguments, message):
  with pytest.raises(ValueError, match=message):
    latents.interpolate(*ends, WEIGHTS, *arguments)
