"""AffineSpline:

    inverse   z = S((x + shift) * exp(log_scale))
    forward   x = S^-1(z) * exp(-log_scale) - shift
    log|dz/dx| = log S'((x + shift) * exp(log_scale)) + log_scale
"""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.bijectors import spline

tfb = tfp.bijectors


class TestAffineSpline(checks.BijectorChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    shares = [tf.constant([[1., 2., 3.], [3., 0.5, 2.5]], dtype),
              tf.constant([[2., 2., 2.], [1., 3., 2.]], dtype)]
    return checks.perturb(bijectors.AffineSpline(
        *(tf.Variable(share, trainable=False) for share in shares),
        tfp.util.TransformedVariable(tf.ones([2, 2], dtype), tfb.Exp()),
        tf.Variable(tf.zeros([2, 2, 2], dtype)), tf.Variable(tf.zeros([2], dtype)), limit=3.))


def make_spline(dtype=tf.float32):
  return spline.spline(
      checks.normal([1, 2 * 25], dtype), 'tanh', tf.zeros([2], dtype), limit=3.)


def test_spline_is_tfps_inside_and_the_identity_outside():
  b = make_spline(tf.float64)
  x = tf.constant([[-2., 1.], [0.3, -0.5], [40., -50.]], tf.float64)
  y = (x + b.shift) * tf.exp(b.log_scale)
  reference = tfb.RationalQuadraticSpline(
      b.bin_widths, b.bin_heights, b.knot_slopes, range_min=-3.)
  z, log_det = b.inverse_and_log_det(x)
  np.testing.assert_allclose(z, reference.forward(y), rtol=1e-9)
  np.testing.assert_allclose(z[2], y[2], rtol=1e-12)
  np.testing.assert_allclose(log_det[2], b.log_scale[0], rtol=1e-12)
  assert np.all(np.abs(z[:2] - y[:2]) > 1e-3)


@pytest.mark.parametrize('x', [-1e30, -1e10, -3., 3., 1e10, 1e30])
def test_tails_have_finite_gradients(x):
  b = make_spline()
  x = tf.constant([[x, x]])
  for fn in (b.inverse_and_log_det, b.forward_and_log_det):
    with tf.GradientTape(persistent=True) as tape:
      tape.watch([x, b.bin_widths, b.bin_heights, b.knot_slopes])
      value, log_det = fn(x)
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(log_det))
    for source in (x, b.bin_widths, b.bin_heights, b.knot_slopes):
      for target in (value, log_det):
        gradient = tape.gradient(target, source, unconnected_gradients='zero')
        assert np.all(np.isfinite(gradient))


def test_zeros_are_the_identity():
  b = spline.spline(tf.zeros([1, 2 * 25]), 'tanh', tf.zeros([2]))
  x = tf.constant([[-3., 0.], [0.5, 9.]])
  np.testing.assert_allclose(b.inverse(x), x, atol=1e-5)
  np.testing.assert_allclose(b.inverse_log_det_jacobian(x, 0), tf.zeros_like(x), atol=1e-5)


def test_any_parameters_make_an_increasing_map():
  b = spline.spline(100. * checks.normal([1, 2 * 25], tf.float32), 'tanh', tf.zeros([2]))
  x = tf.linspace(-5., 5., 1001)[:, None] + tf.zeros([2])
  z = b.inverse(x)
  assert np.all(np.diff(z, axis=0) > 0.)
