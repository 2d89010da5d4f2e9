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


def test_under_vectorized_map():
  """Where TFP's spline is wrong without a word: a padding in it loses its constant."""
  parameters = checks.normal([20, 2 * 25])
  x = tf.linspace(tf.constant(-4., tf.float64), 4., 20)[:, None] + tf.zeros([2], tf.float64)
  for direction in ('inverse_and_log_det', 'forward_and_log_det'):

    def fn(inputs):
      b = spline.spline(inputs[0], 'tanh', tf.zeros([2], tf.float64))
      return getattr(b, direction)(inputs[1])  # pylint: disable=cell-var-from-loop

    for got, expected in zip(tf.vectorized_map(fn, (parameters, x)), fn((parameters, x))):
      np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_one_bin_is_the_identity():
  """Of slope 1 at both ends and on average."""
  b = spline.spline(checks.normal([1, 2 * 4]), 'tanh', tf.zeros([2], tf.float64), num_bins=1)
  x = checks.normal([5, 2])
  np.testing.assert_allclose(b.inverse(x), (x + b.shift) * tf.exp(b.log_scale), rtol=1e-9)
  np.testing.assert_allclose(b.forward(b.inverse(x)), x, rtol=1e-9)


def test_many_bins_are_those_of_tfp():
  b = spline.spline(
      checks.normal([1, 3 * 31]), 'tanh', tf.zeros([3], tf.float64), num_bins=10)
  reference = tfb.RationalQuadraticSpline(
      b.bin_widths, b.bin_heights, b.knot_slopes, range_min=-4.)
  y = tf.linspace(tf.constant(-3.99, tf.float64), 3.99, 1001)[:, None] + tf.zeros(
      [3], tf.float64)
  x = y * tf.exp(-b.log_scale) - b.shift
  z, log_det = b.inverse_and_log_det(x)
  np.testing.assert_allclose(z, reference.forward(y), rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(
      log_det - b.log_scale, reference.forward_log_det_jacobian(y, 0), rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(b.forward(tf.identity(z)), x, rtol=1e-9, atol=1e-9)


def test_sizes_that_do_not_fit():
  with pytest.raises(ValueError, match='1 to 99 bins, got num_bins=0'):
    bijectors.spline_inner(num_bins=0)
  with pytest.raises(ValueError, match='1 to 99 bins, got num_bins=100'):
    bijectors.spline_inner(num_bins=100)
  with pytest.raises(ValueError, match='positive limit, got limit=-1.0'):
    bijectors.spline_inner(limit=-1.)
  with pytest.raises(ValueError, match='B - 1 slopes, got 2, 2 and 2'):
    bijectors.AffineSpline([4., 4.], [4., 4.], [1., 1.], 0.)


@pytest.mark.parametrize('widths, slopes, message', [
    ([-1., 9.], [1.], 'positive'), ([4., 4.], [0.], 'positive'), ([4., 5.], [1.], 'add up')])
def test_validate_args(widths, slopes, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    bijectors.AffineSpline(widths, [4., 4.], slopes, 0., validate_args=True)
  bijectors.AffineSpline([3., 5.], [4., 4.], [2.], 0., validate_args=True).inverse([1.])
