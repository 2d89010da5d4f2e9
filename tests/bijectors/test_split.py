"""Split:

    inverse   kept, rest = x[..., :C/2], x[..., C/2:],   latent = (rest - mean) / stddev
    forward   rest = latent * stddev + mean,   x = [kept, rest]
    log|det d(kept, latent) / dx| = -sum log stddev
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors


class TestSplit(checks.BijectorChecks):

  image_shape = (2, 3, 4)
  bad_images = [((1, 2, 3, 5), 'even number of channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.Split.trainable(4, dtype))


class TestSplitWithStandardNormalPrior(checks.VariantChecks):

  image_shape = (2, 3, 4)

  def make(self, dtype=tf.float64):
    return bijectors.Split(dtype=dtype)

  def test_equal_arguments_do_not_share_results(self):
    assert self.make() != self.make()


def test_formula():
  prior = lambda kept: tf.concat([kept, tf.ones_like(kept)], -1)
  x = checks.normal([2, 2, 2, 4])
  kept, latent = bijectors.Split(prior, tf.float64).inverse(x)
  np.testing.assert_array_equal(kept, x[..., :2])
  stddev = np.exp(4 * np.tanh(1 / 4))
  np.testing.assert_allclose(latent, (x[..., 2:] - x[..., :2]) / stddev, rtol=1e-12)


def test_takes_what_dtype_comes():
  for dtype in (tf.float32, tf.float64):
    x = checks.normal([2, 2, 2, 4], dtype)
    split = bijectors.Split()
    parts = split.inverse(x)
    assert [part.dtype for part in parts] == split.inverse_dtype(dtype) == [dtype, dtype]
    assert split.forward(parts).dtype == split.forward_dtype([dtype, dtype]) == dtype
    assert split.inverse_log_det_jacobian(x, event_ndims=3).dtype == dtype


def test_validate_args_finds_a_network_that_has_diverged():
  split = bijectors.Split(lambda x: tf.concat([x, x], -1) / 0., validate_args=True)
  with pytest.raises(tf.errors.InvalidArgumentError, match='output is not finite'):
    split.inverse(checks.normal([2, 2, 2, 4]))


def test_bad_shapes():
  with pytest.raises(ValueError, match='even number of channels .* got 3'):
    bijectors.Split.trainable(3)
  with pytest.raises(ValueError, match='must have one shape'):
    bijectors.Split().forward([tf.zeros([1, 2, 2, 2]), tf.zeros([1, 2, 2, 1])])


def test_a_network_of_low_precision():
  layer = keras.layers.Conv2D(4, 1, dtype='mixed_bfloat16', bias_initializer='ones')
  layer.build([None, None, None, 2])
  split = bijectors.Split(layer, tf.float64)
  x = checks.normal([2, 2, 2, 4])
  kept, latent = split.inverse(x)
  assert latent.dtype == split.inverse_log_det_jacobian(x).dtype == tf.float64
  np.testing.assert_allclose(split.forward([kept, tf.identity(latent)]), x, rtol=1e-12)
