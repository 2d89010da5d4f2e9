"""Each private part of TensorFlow Probability does what we use it for."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.private import tfp as private_tfp


def test_cached_results():
  bijector = tfp.bijectors.Scale(2.)
  found = lambda: [r for r in private_tfp.cached_results() if r.bijector is bijector]
  y = tf.constant([2., 6.])
  x = bijector.inverse(y)
  assert len(found()) == 2 and all(r.is_finished for r in found())  # Of both ends.
  assert bijector.inverse(y) is x
  own, opposite = sorted(found(), key=lambda r: not r.is_of_its_direction)
  assert own.is_of_its_direction and not opposite.is_of_its_direction
  own.drop()
  assert bijector.forward(x) is y and bijector.inverse(y) is not x

  under_way = []

  class Watching(tfp.bijectors.Scale):
    def _forward(self, x):
      under_way.extend(r for r in private_tfp.cached_results() if not r.is_finished)
      return x

  watching = Watching(2.)
  watching.forward(y)
  assert [r.bijector for r in under_way] == [watching]


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
