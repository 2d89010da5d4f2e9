"""Each private part of TensorFlow Probability does what we use it for."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.private import tfp as private_tfp


def test_bijector_cache_with_greedy_attrs():
  calls = []

  class Twice(tfp.bijectors.Bijector):

    _cache = private_tfp.BijectorCacheWithGreedyAttrs(
        forward_name='_augmented_forward', inverse_name='_augmented_inverse')

    def __init__(self):
      super().__init__(forward_min_event_ndims=0)

    def _augmented_forward(self, x):
      calls.append('forward')
      return 2. * x, {'ildj': tf.fill(tf.shape(x), -np.log(2.))}

    def _augmented_inverse(self, y):
      calls.append('inverse')
      return y / 2., {'ildj': tf.fill(tf.shape(y), -np.log(2.))}

  bijector = Twice()
  y = tf.constant([2., 6.])
  x = bijector.inverse(y)
  np.testing.assert_allclose(x, [1., 3.])
  np.testing.assert_allclose(bijector.forward_log_det_jacobian(x), [np.log(2.)] * 2, rtol=1e-6)
  np.testing.assert_allclose(bijector.inverse_log_det_jacobian(y), [-np.log(2.)] * 2, rtol=1e-6)
  assert calls == ['inverse']


def test_common_dtype():
  assert private_tfp.common_dtype([1., [2., 3.], None], dtype_hint=tf.float32) == tf.float32
  assert private_tfp.common_dtype(
      [1., tf.Variable(1., dtype=tf.float64)], dtype_hint=tf.float32) == tf.float64
  with pytest.raises(TypeError):
    private_tfp.common_dtype([tf.constant(1.), np.float64(1.)], dtype_hint=tf.float32)


def test_convert_nonref_to_tensor():
  for kept in (tf.Variable(1.), tfp.util.TransformedVariable(1., tfp.bijectors.Exp())):
    assert private_tfp.convert_nonref_to_tensor(kept, dtype=tf.float32) is kept
  converted = private_tfp.convert_nonref_to_tensor([1., 2.], dtype=tf.float64, name='it')
  assert tf.is_tensor(converted) and converted.dtype == tf.float64
  assert private_tfp.convert_nonref_to_tensor(None, dtype=tf.float32) is None
