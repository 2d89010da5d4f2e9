"""MixtureLogistics:

    inverse   z = (logit(F(x)) + shift) * exp(log_scale)
    forward   x = F^-1(sigmoid(z * exp(-log_scale) - shift))
    log|dz/dx| = log(f(x) / (F(x) (1 - F(x)))) + log_scale
"""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.bijectors import mixture_logistics

tfd = tfp.distributions


class TestMixtureLogistics(checks.BijectorChecks):

  image_shape = (2, 2, 2)

  def make(self, dtype=tf.float64):
    variable = lambda *shape: tf.Variable(tf.zeros(shape, dtype))
    return checks.perturb(bijectors.MixtureLogistics(
        variable(2, 2, 2, 3), variable(2, 3), variable(2, 2, 2, 3), variable(2, 2, 2),
        variable(2)), 0.7)


def make_parameters(seed=0, dtype=tf.float64):
  """logits, means, log_scales `[2, 3]`, shift, log_scale `[2]`."""
  return [checks.normal(shape, dtype, seed + i)
          for i, shape in enumerate([[2, 3]] * 3 + [[2]] * 2)]


def test_mixture_against_tfp():
  logits, means, log_scales, shift, log_scale = make_parameters()
  mixture = tfd.MixtureSameFamily(
      tfd.Categorical(logits), tfd.Logistic(means, tf.exp(log_scales)))
  x = checks.normal([5, 2])
  cdf = mixture.cdf(x)
  b = bijectors.MixtureLogistics(logits, means, log_scales, shift, log_scale)
  z, log_det = b.inverse_and_log_det(x)
  np.testing.assert_allclose(
      z, (tf.math.log(cdf / (1. - cdf)) + shift) * tf.exp(log_scale), rtol=1e-9)
  np.testing.assert_allclose(
      log_det, mixture.log_prob(x) - tf.math.log(cdf * (1. - cdf)) + log_scale, rtol=1e-9)


@pytest.mark.parametrize('x', [-1e6, -1e4, -300., 300., 1e4, 1e6])
@pytest.mark.parametrize('log_scales, slope, offset', [
    # Far out, the component of the largest scale is left, or all of equal ones.
    ([0., np.log(2.), 1.], np.exp(-1.), lambda sign: sign * np.log(3.) - np.exp(-1.)),
    ([0., 0., 0.], 1., lambda sign: -sign * np.log(np.mean(np.exp(sign * np.arange(-1, 2)))))])
def test_tails_are_linear_with_gradients(x, log_scales, slope, offset):
  b = bijectors.MixtureLogistics(
      tf.zeros([3]), tf.constant([-1., 0., 1.]), tf.constant(log_scales, tf.float32), 0.)
  x = tf.constant([x])
  with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    z, log_det = b.inverse_and_log_det(x)
  np.testing.assert_allclose(z, x * slope + offset(np.sign(x[0])), rtol=2e-6)
  np.testing.assert_allclose(log_det, [np.log(slope)], rtol=1e-6, atol=1e-6)
  np.testing.assert_allclose(tape.gradient(z, x), [slope], rtol=1e-6)
  np.testing.assert_allclose(tape.gradient(log_det, x), [0.], atol=1e-6)
  np.testing.assert_allclose(b.forward(z), x, rtol=1e-5)


def test_log_det_is_finite_between_far_components():
  """f underflows there, even in float64; its logarithm does not."""
  b = bijectors.MixtureLogistics(
      tf.zeros([2]), tf.constant([-2000., 2000.]), tf.zeros([2]), 0.)
  z, log_det = b.inverse_and_log_det(tf.constant([0., 500.]))
  np.testing.assert_allclose(z, [0., 0.], atol=1e-6)
  np.testing.assert_allclose(log_det, [np.log(2.) - 2000. + np.log(2.), -1500. + np.log(2.)],
                             rtol=1e-5)


@pytest.mark.parametrize('dtype', [tf.float32, tf.float64], ids=lambda d: d.name)
@pytest.mark.parametrize('spread', [0.1, 1., 3.])
def test_search_reaches_the_dtypes_precision(spread, dtype):
  """forward is exact to the rounding of z, times the slope of x by z."""
  logits, means, log_scales = (
      spread * checks.normal([1000, 8], dtype, seed) for seed in range(3))
  b = bijectors.MixtureLogistics(logits, means, log_scales, 0.)
  z = 3. * checks.normal([1000], dtype, 4)
  x, log_det = b.forward_and_log_det(z)
  epsilon = np.finfo(dtype.as_numpy_dtype).eps
  # Rounding of x counts times the slope of z by x.
  allowed = 20. * epsilon * (1. + np.abs(z) + (np.abs(x) + spread) * np.exp(-log_det))
  assert np.all(np.abs(b.inverse(x) - z) <= allowed)


def test_search_ends_for_numbers_that_are_none():
  b = bijectors.MixtureLogistics(tf.zeros([2]), tf.zeros([2]), tf.zeros([2]), 0.)
  x = b.forward(tf.constant([np.nan, np.inf, -np.inf, 1.]))
  assert np.isnan(x[0]) and not np.any(np.isfinite(x[:3]))
  np.testing.assert_allclose(x[3], 1., rtol=1e-6)


def in_while_loop(fn):
  def looped(*args):
    return tf.while_loop(
        lambda i, _: i < 2, lambda i, x: (i + 1, fn(*args) + 0. * x),
        (tf.constant(0), tf.zeros([5, 2], tf.float64)), maximum_iterations=2)[1]
  return looped


@pytest.mark.parametrize('wrap, looped', [
    (lambda f: f, False), (tf.function, True), (tf.function(jit_compile=True), True)],
    ids=['eager', 'graph', 'xla'])
def test_gradients_of_the_search(wrap, looped):
  """The gradients of x by z and every parameter, against differences."""
  arguments = [checks.normal([5, 2], seed=9), *make_parameters()]
  weights = checks.normal([5, 2], seed=10)

  def forward(z, *parameters):
    return bijectors.MixtureLogistics(*parameters).forward(z)

  used = in_while_loop(forward) if looped else forward

  @wrap
  def gradients(*arguments):
    with tf.GradientTape() as tape:
      tape.watch(arguments)
      loss = tf.reduce_sum(weights * used(*arguments))
    return tape.gradient(loss, arguments)

  got = gradients(*arguments)
  for i, argument in enumerate(arguments):
    direction = checks.normal(argument.shape, seed=20 + i)
    moved = lambda e: tf.reduce_sum(weights * forward(
        *arguments[:i], argument + e * direction, *arguments[i + 1:]))
    expected = (moved(1e-6) - moved(-1e-6)) / 2e-6
    np.testing.assert_allclose(tf.reduce_sum(got[i] * direction), expected, rtol=1e-6)


def test_second_order_gradients_are_refused_where_wrong():
  parameters = make_parameters()
  b = bijectors.MixtureLogistics(*parameters)
  x = checks.normal([5, 2])

  def second_order(fn):
    with tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as inner:
        inner.watch(x)
        y = tf.reduce_sum(fn(tf.identity(x)))
      gradient = inner.gradient(y, x)
    return outer.gradient(gradient, x)

  assert np.all(np.isfinite(second_order(b.inverse)))
  with pytest.raises(NotImplementedError, match='no second-order gradients'):
    second_order(b.forward)


def test_zeros_are_nearly_the_identity():
  """So a coupling starts as its affine part does, but its components differ."""
  b = mixture_logistics.mixture_logistics(tf.zeros([1, 2 * 26]), 'tanh', tf.zeros([2]))
  x = tf.constant([[-3., 0.], [0.5, 3.]])
  np.testing.assert_allclose(b.inverse(x), x, atol=0.3)
  assert len(np.unique(b.means)) == 8


def test_no_components_are_refused():
  with pytest.raises(ValueError, match='at least 1 component, got num_components=0'):
    bijectors.mixture_logistics_inner(num_components=0)


@pytest.fixture
def checked_numerics():
  tf.debugging.enable_check_numerics()
  yield
  tf.debugging.disable_check_numerics()


def test_computes_no_inf_on_its_way(checked_numerics):
  logits, means, log_scales, shift, log_scale = make_parameters()

  @tf.function
  def gradients(z, means):
    with tf.GradientTape() as tape:
      tape.watch([z, means])
      b = bijectors.MixtureLogistics(logits, means, log_scales, shift, log_scale)
      x, log_det = b.forward_and_log_det(z)
      loss = tf.reduce_sum(x) + tf.reduce_sum(log_det)
    return tape.gradient(loss, [z, means])

  # Between components so far apart 1 / F' is infinite.
  for spread in (1., 1e3):
    assert all(np.all(np.isfinite(g)) for g in gradients(checks.normal([5, 2]), spread * means))


def test_jacobian_in_a_loop_over_its_forward():
  """One row of it after another, in a graph, of a coupling in a loop over its weights."""
  parameters = tf.stack([checks.normal([2, 2 * 26], seed=seed) for seed in range(3)])

  def forward(z):
    return tf.while_loop(
        lambda i, _: i < 3,
        lambda i, z: (i + 1, mixture_logistics.mixture_logistics(
            parameters[i], 'tanh', tf.zeros([2], tf.float64)).forward(z)),
        (tf.constant(0), z), maximum_iterations=3)[1]

  @tf.function
  def jacobian(z):
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(z)
      x = forward(z)
    return tape.batch_jacobian(x, z, experimental_use_pfor=False)

  z = checks.normal([2, 2])
  expected = np.stack([
      (forward(z + e) - forward(z - e)) / 2e-6 for e in 1e-6 * np.eye(2)], -1)
  np.testing.assert_allclose(jacobian(z), expected, rtol=1e-6, atol=1e-8)


def test_validate_args():
  with pytest.raises(tf.errors.InvalidArgumentError, match='a component is not finite'):
    bijectors.MixtureLogistics([0.], [np.inf], [0.], 0., validate_args=True)
