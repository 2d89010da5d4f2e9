"""Each private part of TensorFlow Probability does what we use it for."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.private import tfp as private_tfp


def test_cached_results():
  bijector = tfp.bijectors.Scale(2.)
  y = tf.constant([2., 6.])
  x = bijector.inverse(y)
  keys = [key for key in private_tfp.cached_results()
          if private_tfp.bijector_of_key(key) is bijector]
  assert len(keys) == 2  # Of both ends.
  assert bijector.inverse(y) is x
  for key in keys:
    private_tfp.drop_cached_result(key)
  assert bijector.inverse(y) is not x


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
