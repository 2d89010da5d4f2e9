"""Logit:

    inverse   y = log p - log(1 - p),   p = alpha / 2 + (1 - alpha) * x
    forward   x = (sigmoid(y) - alpha / 2) / (1 - alpha)
    log|dy/dx| = log(1 - alpha) - log p - log(1 - p)
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors


class TestLogit(checks.BijectorChecks):

  trains = False
  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    return bijectors.Logit(0.05, dtype)

  def images(self, batch=(3,), dtype=tf.float64, seed=0):
    return tf.random.stateless_uniform([*batch, *self.image_shape], [seed, 2], dtype=dtype)

  def test_in_chain_and_invert(self):
    b = self.make()
    x = self.images()
    chain = tf_chain(b)
    np.testing.assert_allclose(chain.forward(checks.copied(chain.inverse(x))), x, rtol=1e-9)

  def test_equal_arguments_do_not_share_results(self):
    assert self.make() != self.make()


def tf_chain(b):
  return checks.tfb.Chain([b, checks.tfb.Shift(tf.constant(1., tf.float64))])


@pytest.mark.parametrize('alpha', [1e-5, 0.05])
def test_ends_of_the_interval(alpha):
  b = bijectors.Logit(alpha)
  x = tf.constant([0., 1. - 2.**-9, 1.])
  y = b.inverse(x)
  np.testing.assert_allclose(y[0], -np.log(2 / alpha - 1), rtol=1e-5)
  np.testing.assert_allclose(y[2], np.log(2 / alpha - 1), rtol=1e-5)
  np.testing.assert_allclose(b.forward(checks.copied(y)), x, atol=2e-7)
  exact = bijectors.Logit(alpha, tf.float64)
  np.testing.assert_allclose(
      b.inverse_log_det_jacobian(x), exact.inverse_log_det_jacobian(tf.cast(x, tf.float64)),
      rtol=1e-6)


def test_bad_alpha():
  with pytest.raises(ValueError, match='between 0 and 1, got 0.0'):
    bijectors.Logit(0.)


def test_takes_the_dtype_that_comes():
  b = bijectors.Logit()
  for dtype in (tf.float32, tf.float64):
    y, log_det = b.inverse_and_log_det(tf.constant([0.25], dtype))
    assert y.dtype == log_det.dtype == dtype
    np.testing.assert_allclose(b.forward(y), [0.25], rtol=1e-6)


def test_validate_args():
  with pytest.raises(tf.errors.InvalidArgumentError, match=r'must lie in \[0, 1\]'):
    bijectors.Logit(validate_args=True).inverse([0.5, 1.5])
  bijectors.Logit(validate_args=True).inverse([0., 1.])
