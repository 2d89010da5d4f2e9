"""Squeeze:

    inverse   z = tf.nn.space_to_depth(x, factor)
    forward   x = tf.nn.depth_to_space(z, factor)
    log|det dz/dx| = 0
"""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors


class TestSqueeze(checks.BijectorChecks):

  trains = False
  image_shape = (4, 6, 2)
  bad_images = [((1, 3, 4, 2), 'height must be a multiple of 2'),
                ((1, 4, 5, 2), 'width must be a multiple of 2')]

  def make(self, dtype=tf.float64):
    return bijectors.Squeeze(dtype=dtype)

  def test_equal_arguments_do_not_share_results(self):
    assert self.make() != self.make()


class TestFactorThree(checks.VariantChecks):

  image_shape = (3, 6, 2)

  def make(self, dtype=tf.float64):
    return bijectors.Squeeze(factor=3, dtype=dtype)


def test_exact_order():
  x = tf.reshape(tf.range(16.), [1, 4, 4, 1])
  expected = [[[0, 1, 4, 5], [2, 3, 6, 7]], [[8, 9, 12, 13], [10, 11, 14, 15]]]
  np.testing.assert_array_equal(bijectors.Squeeze().inverse(x)[0], expected)


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(st.integers(2, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_shapes(factor, height, width, channels):
  squeeze = bijectors.Squeeze(factor)
  shape = [height * factor, width * factor, channels]
  x = checks.normal([2, *shape], tf.float32)
  z = squeeze.inverse(x)
  assert z.shape[1:] == (height, width, channels * factor**2)
  assert z.shape[1:] == squeeze.inverse_event_shape(shape)
  np.testing.assert_array_equal(squeeze.inverse_event_shape_tensor(shape), z.shape[1:])
  assert squeeze.forward_event_shape(z.shape[1:]) == shape
  np.testing.assert_array_equal(squeeze.forward_event_shape_tensor(z.shape[1:]), shape)
  np.testing.assert_array_equal(squeeze.forward(checks.copied(z)), x)


def test_bad_arguments():
  with pytest.raises(ValueError, match='at least 2, got 1'):
    bijectors.Squeeze(1)
  with pytest.raises(ValueError, match='multiple of 4'):
    bijectors.Squeeze().forward(tf.zeros([1, 2, 2, 6]))


@pytest.mark.parametrize('dtype', [tf.float32, tf.float64, tf.bfloat16])
def test_takes_the_dtype_that_comes(dtype):
  x = tf.ones([1, 2, 2, 1], dtype)
  b = bijectors.Squeeze()
  z, ildj = b.inverse(x), b.inverse_log_det_jacobian(x)
  assert b.dtype is None and z.dtype == ildj.dtype == b.forward(tf.identity(z)).dtype == dtype
