"""whitening: bias and log-scale with which (x + bias) * exp(log_scale) is white."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow.layers import data_dependent_init


def test_whitens():
  x = np.random.default_rng(0).standard_normal((4, 3, 3, 2)) * [3., 0.5] + [100., -7.]
  bias, log_scale = data_dependent_init.whitening(tf.constant(x))
  np.testing.assert_allclose(bias, -x.mean((0, 1, 2)), rtol=1e-12)
  np.testing.assert_allclose(log_scale, -np.log(x.std((0, 1, 2))), rtol=1e-9)


def test_two_passes_keep_float32_precise():
  """Far from zero, mean of squares less square of mean would lose every digit."""
  x = 1e4 + np.random.default_rng(0).standard_normal((64, 8, 8, 1))
  _, log_scale = data_dependent_init.whitening(tf.constant(x, tf.float32))
  np.testing.assert_allclose(log_scale, [-np.log(x.std())], atol=1e-3)


BAD_BATCHES = [
    ([0, 2, 2, 3], 1., 'an empty batch'), ([2, 2, 2, 3], np.nan, 'needs finite images'),
    ([2, 2, 2, 3], np.inf, 'needs finite images'), ([2, 2, 2, 3], 1e30, 'needs finite images')]


@pytest.mark.parametrize('shape, value, message', BAD_BATCHES)
def test_what_cannot_be_whitened_is_refused(shape, value, message):
  x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
  x.ravel()[:1] = value
  with pytest.raises(ValueError, match=message):
    data_dependent_init.whitening(tf.constant(x))
  traced = tf.function(
      data_dependent_init.whitening,
      input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    traced(x)


def test_statistics_of_half_precision_are_exact():
  """300 is no bfloat16, nor are sums of so many."""
  x = tf.cast(4. + tf.random.stateless_normal([300, 1, 1, 2], [0, 1]), tf.bfloat16)
  bias, log_scale = data_dependent_init.whitening(x)
  exact = tf.cast(x, tf.float32).numpy()
  assert bias.dtype == log_scale.dtype == tf.float32
  np.testing.assert_allclose(bias, -exact.mean((0, 1, 2)), rtol=1e-6)
  np.testing.assert_allclose(log_scale, -np.log(exact.std((0, 1, 2))), rtol=1e-4, atol=1e-6)
