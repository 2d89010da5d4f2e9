"""ShiftAndScale:

    inverse   z = (x + shift) * exp(log_scale)
    forward   x = z * exp(-log_scale) - shift
    log|dz/dx| = log_scale
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.bijectors import elementwise


class TestShiftAndScale(checks.BijectorChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.ShiftAndScale(
        tf.Variable(tf.zeros([2, 2, 2], dtype)), tf.Variable(tf.zeros([2, 2, 2], dtype))))


class TestShift(checks.BijectorChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.ShiftAndScale(tf.Variable(tf.zeros([2], dtype))))


def test_scale_maps():
  h = tf.constant([[0., 0., -1., 5.]], tf.float64)
  b = elementwise.affine(h)
  np.testing.assert_allclose(b.shift, [[0., 0.]])
  np.testing.assert_allclose(tf.exp(b.log_scale), 1 / (1 + np.exp([[-1., -7.]])), rtol=1e-12)
  log_factor = tf.constant([0., np.log(2.)], tf.float64)
  b = elementwise.affine(h, 'tanh', log_factor)
  np.testing.assert_allclose(
      b.log_scale, [[np.tanh(-1.), 2 * np.tanh(2.5)]], rtol=1e-12)


@pytest.mark.parametrize('h', [-1e4, -90., 0., 90., 1e4])
def test_log_scale_is_finite_with_gradient(h):
  h = tf.constant([[0., h]])
  with tf.GradientTape() as tape:
    tape.watch(h)
    log_scale = elementwise.affine(h).log_scale
  assert np.all(np.isfinite(log_scale))
  assert np.all(np.isfinite(tape.gradient(log_scale, h)))
