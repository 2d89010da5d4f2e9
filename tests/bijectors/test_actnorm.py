"""ActNorm:

    inverse   z = (x + bias) * exp(log_scale)
    forward   x = z * exp(-log_scale) - bias
    log|det dz/dx| = H * W * sum(log_scale)
"""

import hypothesis
import hypothesis.extra.numpy as hypothesis_numpy
import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.layers import data_dependent_init


class TestActNorm(checks.BijectorChecks):

  bad_images = [((3, 4, 4, 5), '4 channels'), ((4, 4), 'height, width, channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.ActNorm.trainable(4, dtype))

  def test_formula(self):
    bias, log_scale = tf.constant([1., 2.]), tf.constant([0., np.log(3.)], tf.float32)
    b = bijectors.ActNorm(bias, log_scale)
    np.testing.assert_allclose(
        b.inverse(tf.ones([1, 2, 3, 2])), np.tile([2., 9.], [1, 2, 3, 1]), rtol=1e-6)
    np.testing.assert_allclose(
        b.inverse_log_det_jacobian(tf.ones([1, 2, 3, 2])), [6 * np.log(3.)], rtol=1e-6)


def test_identity_before_initialize_and_not_initialised_by_use():
  b = bijectors.ActNorm.trainable(3)
  x = 5. + 3. * checks.normal([2, 4, 4, 3], tf.float32)
  np.testing.assert_array_equal(b.inverse(x), x)
  np.testing.assert_array_equal(b.forward(x), x)
  np.testing.assert_array_equal(b.inverse(x + 1.), x + 1.)


def test_initialize_whitens_each_channel():
  b = bijectors.ActNorm.trainable(3, tf.float64)
  x = checks.normal([8, 4, 4, 3]) * [1., 20., 0.1] + [5., 0., -3.]
  b.initialize(x)
  z = b.inverse(x)
  np.testing.assert_allclose(np.mean(z, (0, 1, 2)), 0., atol=1e-12)
  np.testing.assert_allclose(np.std(z, (0, 1, 2)), 1., rtol=1e-12)


@pytest.mark.parametrize('shape', [(1, 1, 1, 2), (1, 4, 4, 2), (4, 4, 2), (2, 2, 4, 4, 2)])
def test_initialize_survives_constant_channels_and_small_batches(shape):
  b = bijectors.ActNorm.trainable(2)
  x = tf.fill(shape, 7.)
  b.initialize(x)
  z = b.inverse(x)
  assert np.all(np.isfinite(z)) and np.all(np.isfinite(b.log_scale))
  np.testing.assert_allclose(b.log_scale, -np.log(data_dependent_init.MIN_STDDEV), rtol=1e-6)
  np.testing.assert_allclose(z, 0., atol=1e-3)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(hypothesis_numpy.arrays(
    np.float32, (2, 2, 2, 2),
    elements=dict(min_value=-1e6, max_value=1e6, allow_nan=False)))
def test_initialize_is_finite_for_any_batch(x):
  b = bijectors.ActNorm.trainable(2)
  b.initialize(x)
  assert np.all(np.isfinite(b.bias)) and np.all(np.isfinite(b.log_scale))
  assert np.all(np.isfinite(b.inverse(x)))


def test_initialize_needs_variables():
  with pytest.raises(ValueError, match='ActNorm.trainable'):
    bijectors.ActNorm(tf.zeros([2]), tf.zeros([2])).initialize(tf.zeros([1, 2, 2, 2]))


def test_a_batch_of_maps():
  bias, log_scale = checks.normal([5, 3]), checks.normal([5, 3], seed=1)
  checks.check_batch_of_maps(
      lambda k: bijectors.ActNorm(bias[k], log_scale[k]), bijectors.ActNorm(bias, log_scale), 3)
  checks.check_batch_of_maps(
      lambda k: bijectors.ActNorm(bias[k], log_scale[0]), bijectors.ActNorm(bias, log_scale[0]),
      3)
  with pytest.raises(ValueError, match='sets one map, got .* \\(5, 3\\)'):
    bijectors.ActNorm(tf.Variable(bias), tf.Variable(log_scale)).initialize(tf.zeros([5, 1, 1, 3]))


@pytest.mark.parametrize('bias, log_scale', [([0., 0.], [0.]), (0., 0.), ([0., 0.], 0.)])
def test_parameters_of_other_shapes_are_refused(bias, log_scale):
  """Where they broadcast, the log-det would count too few channels."""
  with pytest.raises(ValueError, match='must have the shape'):
    bijectors.ActNorm(bias, log_scale)


@pytest.mark.parametrize('x', [tf.zeros([0, 2, 2, 2]), tf.fill([1, 2, 2, 2], np.nan)])
def test_initialize_refuses_what_would_spoil_the_variables(x):
  b = bijectors.ActNorm.trainable(2)
  for initialize in (b.initialize, tf.function(b.initialize)):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError),
                       match='data-dependent initialisation needs'):
      initialize(tf.cast(x, tf.float32))
  np.testing.assert_array_equal(b.bias, [0., 0.])
  np.testing.assert_array_equal(b.log_scale, [0., 0.])


def test_initialize_names_what_is_no_variable():
  with pytest.raises(ValueError, match='to assign to, and log_scale is a EagerTensor'):
    bijectors.ActNorm(tf.Variable([0., 0.]), tf.zeros([2])).initialize(tf.zeros([1, 2, 2, 2]))


def test_channels_known_late_are_not_broadcast():
  b = bijectors.ActNorm([1., 2., 3.], [0., 0., 0.])
  late = tf.function(
      b.inverse, input_signature=[tf.TensorSpec([None, None, None, None], tf.float32)])
  assert late(tf.zeros([1, 2, 2, 3])).shape == [1, 2, 2, 3]
  with pytest.raises(tf.errors.InvalidArgumentError, match=r'not compatible .* \[\?,\?,\?,3\]'):
    late(tf.zeros([1, 2, 2, 1]))


def test_validate_args():
  log_scale = tf.Variable([0., 0.])
  b = bijectors.ActNorm([0., 0.], log_scale, validate_args=True)
  b.inverse(tf.zeros([1, 1, 1, 2]))
  log_scale.assign([0., np.nan])
  with pytest.raises(tf.errors.InvalidArgumentError, match='log_scale is not finite'):
    b.inverse(tf.zeros([1, 1, 1, 2]))
