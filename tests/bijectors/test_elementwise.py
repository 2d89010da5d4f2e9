"""ShiftAndScale:

    inverse   z = (x + shift) * scale
    forward   x = z / scale - shift
    log|dz/dx| = log|scale|
"""

import math

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


class TestShift(checks.VariantChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.ShiftAndScale(tf.Variable(tf.zeros([2], dtype))))


class TestScale(checks.VariantChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.ShiftAndScale(
        tf.Variable(tf.zeros([2], dtype)), scale=tf.Variable([2., -3.], dtype=dtype)))


class TestShiftAndSigmoidScale(checks.CopyChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(elementwise.ShiftAndSigmoidScale(
        tf.Variable(tf.zeros([2], dtype)), tf.Variable([2., -3.], dtype=dtype)))


@pytest.mark.parametrize('make', [
    lambda: bijectors.ShiftAndScale(1., log_scale=math.log(2.)),
    lambda: bijectors.ShiftAndScale(1., scale=2.),
    lambda: bijectors.ShiftAndScale([1.], scale=[2.]),
    lambda: bijectors.ShiftAndScale(5., scale=3.).copy(shift=1., scale=2.),
    lambda: bijectors.ShiftAndScale(1., scale=3.).copy(scale=None, log_scale=math.log(2.)),
    lambda: elementwise.ShiftAndSigmoidScale(9., 0.).copy(shift=1., logit=0.)])
def test_value_and_log_det_agree_however_the_scale_is_given(make):
  b, x = make(), tf.constant([3.])
  scale = 0.5 if isinstance(b, elementwise.ShiftAndSigmoidScale) else 2.
  np.testing.assert_allclose(b.inverse(x), [4. * scale], rtol=1e-6)
  np.testing.assert_allclose(b.inverse_log_det_jacobian(x, 0), [np.log(scale)], rtol=1e-6)
  np.testing.assert_allclose(b.forward(4. * scale * tf.ones([1])), x, rtol=1e-6)


def test_two_scales_are_refused_and_so_is_zero():
  with pytest.raises(ValueError, match='log_scale or scale, got both'):
    bijectors.ShiftAndScale(0., log_scale=0., scale=1.)
  with pytest.raises(ValueError, match='log_scale or scale, got both'):
    bijectors.ShiftAndScale(0., scale=1.).copy(log_scale=0.)
  with pytest.raises(tf.errors.InvalidArgumentError, match='scale must not be zero'):
    bijectors.ShiftAndScale(0., scale=[1., 0.], validate_args=True)


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
