"""Glow given a label: log p(image | label) is a density for each label, and depends on it."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers

tfd = tfp.distributions

_SHAPE = (4, 4, 2)
_VARIANTS = {
    'top': dict(), 'couplings': dict(condition_couplings=True, learn_top=False),
    'both': dict(condition_couplings=True),
    'reversible': dict(condition_couplings=True, reversible=True)}


def make(dtype=tf.float64, **kwargs):
  options = dict(num_levels=2, depth=2, hidden_channels=4, seed=1, num_classes=3) | kwargs
  return checks.perturb(bijectors.Glow(_SHAPE, dtype=dtype, **options), 0.1)


@pytest.fixture(name='glow', scope='module', params=_VARIANTS)
def fixture_glow(request):
  return make(**_VARIANTS[request.param])


def distribution_of(glow):
  one = tf.ones([], glow.dtype)
  return tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0. * one, one), [32]), glow)


def test_log_det_is_the_numerical_jacobians(glow):
  x = checks.normal([3, *_SHAPE])
  log_dets = glow.inverse_log_det_jacobian(x, event_ndims=3, labels=[2, 0, 1])
  for one, label, log_det in zip(x, [2, 0, 1], log_dets):
    inverse = functools.partial(glow.inverse, labels=[label] * 32)
    np.testing.assert_allclose(log_det, checks.numerical_log_det(inverse, one), rtol=1e-5)


def test_round_trip_with_labels(glow):
  x, labels = checks.normal([3, *_SHAPE]), tf.constant([2, 0, 1])
  z, ildj = glow.inverse_and_log_det(x, labels=labels)
  back, fldj = glow.forward_and_log_det(z, labels=labels)
  np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(fldj, -ildj, rtol=1e-9)


def test_round_trip_in_float32():
  glow = make(tf.float32, condition_couplings=True)
  x, labels = checks.normal([3, *_SHAPE], tf.float32), tf.constant([2, 0, 1])
  z = tf.identity(glow.inverse(x, labels=labels))
  np.testing.assert_allclose(glow.forward(z, labels=labels), x, **checks.TOLERANCE[tf.float32])


def test_each_image_has_its_own_label(glow):
  x = checks.normal([1, *_SHAPE])
  one_by_one = [glow.inverse(x, labels=[label])[0] for label in range(3)]
  together = glow.inverse(tf.repeat(x, 3, 0), labels=[0, 1, 2])
  np.testing.assert_allclose(together, one_by_one, rtol=1e-12)
  assert np.all(np.abs(together[0] - together[1]).max() > 1e-3)


def test_batch_shapes(glow):
  x, labels = checks.normal([2, 3, *_SHAPE]), tf.constant([[0, 1, 2], [2, 1, 0]])
  z, ildj = glow.inverse_and_log_det(x, labels=labels)
  assert ildj.shape == [2, 3]
  np.testing.assert_allclose(
      z[1], glow.inverse(x[1], labels=labels[1]), rtol=1e-12, atol=1e-12)
  single = glow.inverse(x[0, 1], labels=1)
  np.testing.assert_allclose(single, z[0, 1], rtol=1e-12, atol=1e-12)


def test_in_a_transformed_distribution(glow):
  d = distribution_of(glow)
  labels = tf.constant([0, 1, 2, 0])
  kwargs = dict(bijector_kwargs=dict(labels=labels))
  samples = d.sample(4, seed=[0, 1], **kwargs)
  assert samples.shape == (4, *_SHAPE)
  log_prob = d.log_prob(tf.identity(samples), **kwargs)
  z, ildj = glow.inverse_and_log_det(samples, labels=labels)
  np.testing.assert_allclose(
      log_prob, ildj - tf.reduce_sum(z**2, -1) / 2. - 16. * np.log(2. * np.pi), rtol=1e-9)
  # The cache of a label's result is not that of another label.
  x = tf.repeat(samples[:1], 4, 0)
  first = d.log_prob(x, bijector_kwargs=dict(labels=tf.constant([0, 0, 0, 0])))
  second = d.log_prob(x, bijector_kwargs=dict(labels=tf.constant([1, 1, 1, 1])))
  assert np.all(np.abs(first - second) > 1e-3)


def test_a_network_runs_once_for_value_and_log_det():
  calls = []

  class Counting(layers.ConvNet):
    def call(self, x):
      calls.append(1)
      return super().call(x)

  glow = make(depth=1, num_levels=1, condition_couplings=True,
              network=functools.partial(Counting, hidden_channels=4))
  d, x, labels = distribution_of(glow), checks.normal([2, *_SHAPE]), tf.constant([0, 1])
  calls.clear()
  log_prob = d.log_prob(x, bijector_kwargs=dict(labels=labels))
  assert len(calls) == 1 and log_prob.shape == [2]
  d.sample(2, bijector_kwargs=dict(labels=labels))
  assert len(calls) == 2


def test_reversible_gradients_are_those_of_autodiff():
  gradients = []
  for reversible in (False, True):
    glow = make(depth=3, condition_couplings=True, reversible=reversible)
    x = checks.normal([4, *_SHAPE])

    @tf.function(autograph=False)
    def gradient(glow=glow, x=x):
      with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(distribution_of(glow).log_prob(
            x, bijector_kwargs=dict(labels=tf.constant([0, 1, 2, 2]))))
      return tape.gradient(loss, glow.trainable_variables)

    gradients.append(gradient())
  for plain, other in zip(*gradients):
    assert np.any(plain != 0.)
    np.testing.assert_allclose(plain, other, rtol=1e-9, atol=1e-12)


def test_xla():
  glow = make(**_VARIANTS['reversible'])
  x, labels = checks.normal([3, *_SHAPE]), tf.constant([2, 0, 1])
  compiled = tf.function(
      lambda x, labels: glow.inverse_and_log_det(x, labels=labels), jit_compile=True,
      autograph=False)
  for a, b in zip(compiled(x, labels), glow.inverse_and_log_det(x, labels=labels)):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_each_class_has_a_density_that_integrates_to_one():
  """Importance-weighted, on 2 x 2 pixels, as for the unconditional Glow."""
  glow = checks.perturb(bijectors.Glow(
      (2, 2, 1), num_levels=1, depth=2, hidden_channels=4, num_classes=2,
      condition_couplings=True, dtype=tf.float64), 0.3)
  base = tfd.Sample(tfd.Normal(tf.zeros([], tf.float64), 1.), [4])
  d = tfd.TransformedDistribution(base, glow)
  n = 100_000
  for label in range(2):
    kwargs = dict(bijector_kwargs=dict(labels=tf.fill([n], label)))
    samples = tf.reshape(d.sample(n, seed=[0, 1], **kwargs), [-1, 4])
    proposal = tfd.MultivariateStudentTLinearOperator(
        df=tf.constant(4., tf.float64), loc=tf.reduce_mean(samples, 0),
        scale=tf.linalg.LinearOperatorLowerTriangular(
            tf.linalg.cholesky(tfp.stats.covariance(samples))))
    x = proposal.sample(n, seed=[2, 3])
    log_prob = d.log_prob(tf.reshape(x, [-1, 2, 2, 1]), **kwargs)
    weights = tf.exp(log_prob - proposal.log_prob(x))
    error = np.std(weights) / np.sqrt(n)
    assert error < 0.02
    np.testing.assert_allclose(np.mean(weights), 1., atol=4 * error)


def test_initialize_needs_labels_and_uses_them():
  glow = bijectors.Glow(
      (8, 8, 3), num_levels=2, depth=2, num_classes=3, condition_couplings=True,
      network=functools.partial(layers.ConvNet, hidden_channels=4, actnorm=True))
  images = 0.2 * checks.normal([16, 8, 8, 3], tf.float32)
  with pytest.raises(ValueError, match='the condition labels is missing; pass labels='):
    glow.initialize(images)
  labels = tf.constant([0, 1, 2, 0] * 4)
  glow.initialize(images, labels=labels)
  for level in glow.levels:
    assert np.all(level.actnorm.log_scale.numpy() != 0.)
    assert all(np.any(w.numpy() != 0.) for w in level.coupling_weights if 'bias_' in w.name)
  h = bijectors.Squeeze().inverse(images)
  z = glow.levels[0].steps[0].inverse(h, labels=labels)
  z = glow.levels[0].steps[1].actnorm.inverse(z)
  np.testing.assert_allclose(np.std(z, (0, 1, 2)), 1., rtol=1e-4)


def test_reconstruction_errors_take_labels(glow):
  errors = glow.reconstruction_errors(checks.normal([2, *_SHAPE]), labels=[0, 2])
  assert errors.shape == [2] and np.all(errors < 1e-9)


def test_a_copy_shares_the_variables(glow):
  copy = glow.copy()
  assert copy.num_classes == 3
  assert [id(v) for v in copy.trainable_variables] == [id(v) for v in glow.trainable_variables]
  x = checks.normal([1, *_SHAPE])
  np.testing.assert_array_equal(copy.inverse(x, labels=[1]), glow.inverse(x, labels=[1]))


def test_only_labels_are_kept_from_unconditional_couplings():
  """A network's own keyword arguments pass."""
  class Shifted(layers.ConvNet):
    def call(self, x, shift):
      return super().call(x + shift)

  glow = make(network=functools.partial(Shifted, hidden_channels=4))
  x = checks.normal([1, *_SHAPE])
  zero, one = [glow.inverse(x, labels=[0], shift=tf.constant(shift, tf.float64))
               for shift in (0., 1.)]
  assert np.any(zero != one)


def test_user_mistakes(glow):
  x = checks.normal([2, *_SHAPE])
  with pytest.raises(ValueError, match='the condition labels is missing; pass labels='):
    glow.inverse(x)
  with pytest.raises(ValueError, match='the condition labels is missing'):
    distribution_of(glow).sample(2)
  with pytest.raises(ValueError, match='labels must lie between 0 and 2, got 7'):
    glow.inverse(x, labels=[0, 7])
  with pytest.raises(ValueError, match=(
      r'labels has the batch shape \(3,\), which does not broadcast with \(2,\)')):
    glow.inverse(x, labels=[0, 1, 2])


def test_options_that_do_not_fit():
  with pytest.raises(ValueError, match='condition_couplings needs num_classes, got 0'):
    bijectors.Glow(_SHAPE, num_levels=1, depth=1, condition_couplings=True)
  with pytest.raises(ValueError, match='num_classes=3 nothing would depend on the label'):
    bijectors.Glow(_SHAPE, num_levels=1, depth=1, num_classes=3, learn_top=False)
  with pytest.raises(ValueError, match='num_classes must be at least 0, got -1'):
    bijectors.Glow(_SHAPE, num_levels=1, depth=1, num_classes=-1)
