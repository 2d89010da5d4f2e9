"""ContextEmbedding: a vector or an image as [H, W, E], of which every pixel sees all."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers


def _built(context_shape, size, **kwargs):
  layer = layers.ContextEmbedding(size, 3, hidden_channels=5, seed=1, dtype='float64', **kwargs)
  layer.build((None, *context_shape))
  return layer


@pytest.mark.parametrize(
    'context_shape', [(7,), (8, 8, 2), (4, 4, 2), (2, 2, 2), (5, 3, 1)], ids=str)
def test_every_pixel_sees_every_element(context_shape):
  """Of a context of any size, at the size 4 x 4, as a Jacobian without zeros shows."""
  layer = _built(context_shape, (4, 4))
  context = tf.random.stateless_normal([1, *context_shape], [0, 1], dtype=tf.float64)
  with tf.GradientTape() as tape:
    tape.watch(context)
    y = tf.reduce_sum(tf.abs(layer(context)), -1)
  assert y.shape == (1, 4, 4) == layer.compute_output_shape((1, *context_shape))[:3]
  jacobian = np.abs(tape.jacobian(y, context).numpy()).reshape(16, -1)
  assert (jacobian > 0).mean() > .9  # ReLUs may be off along all the ways of a pair.


def test_seed_decides_the_weights():
  context = tf.random.stateless_normal([2, 8, 8, 1], [0, 1], dtype=tf.float64)
  one, same = (_built((8, 8, 1), (4, 4))(context) for _ in range(2))
  np.testing.assert_array_equal(one, same)
  other = layers.ContextEmbedding((4, 4), 3, hidden_channels=5, seed=2, dtype='float64')
  assert np.any(other(context) != one)


def test_space_to_depth_loses_nothing():
  """What is moved within a block of pixels is told apart."""
  layer = _built((8, 8, 1), (4, 4))
  first, second = np.zeros([2, 1, 8, 8, 1])
  first[0, 0, 0], second[0, 1, 1] = 1., 1.
  assert np.any(np.abs(layer(first) - layer(second)) > 1e-3)
