"""Glow: L scales of squeeze and K steps, with splits between them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors

tfd = tfp.distributions


def make_glow(dtype=tf.float64, image_shape=(4, 4, 2), **kwargs):
  options = dict(num_levels=2, depth=2, hidden_channels=4, seed=1) | kwargs
  return bijectors.Glow(image_shape, dtype=dtype, **options)


class TestGlow(checks.BijectorChecks):

  image_shape = (4, 4, 2)
  bad_images = [((1, 8, 4, 2), r'made for images of the shape \[..., 4, 4, 2\]'),
                ((4, 2), 'shape')]

  def make(self, dtype=tf.float64):
    return checks.perturb(make_glow(dtype), 0.1)


class TestGlowOtherOptions(checks.VariantChecks):

  image_shape = (4, 4, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(make_glow(
        dtype, coupling='additive', permutation='shuffle', learn_top=False), 0.1)


class TestGlowMixtureOfLogistics(checks.VariantChecks):

  image_shape = (4, 4, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(make_glow(dtype, coupling='mixture_logistics', scale_map='tanh'), 0.1)


def test_sizes_that_do_not_fit_are_refused():
  with pytest.raises(ValueError, match=r'must be \(height, width, channels\), got \(28, 28\)'):
    bijectors.Glow((28, 28))
  with pytest.raises(ValueError, match='multiples of 8, got 28 x 28; 32 x 32 would fit'):
    bijectors.Glow((28, 28, 1), num_levels=3)
  with pytest.raises(ValueError, match='multiples of 4, got 4 x 6'):
    bijectors.Glow((4, 6, 1), num_levels=2)
  with pytest.raises(ValueError, match='num_levels must be at least 1, got 0'):
    bijectors.Glow((4, 4, 1), num_levels=0)
  with pytest.raises(ValueError, match='depth must be at least 1, got 0'):
    bijectors.Glow((4, 4, 1), num_levels=1, depth=0)


def test_initialize_is_explicit_and_whitens():
  glow = make_glow(image_shape=(8, 8, 3))
  images = 0.2 * checks.normal([64, 8, 8, 3])
  before = [v.numpy() for v in glow.variables]
  glow.inverse(images)
  glow.forward(checks.normal([2, 192]))
  for v, value in zip(glow.variables, before):
    np.testing.assert_array_equal(v, value)
  glow.initialize(images)
  for level in glow.levels:
    assert np.all(level.actnorm.log_scale.numpy() != 0.)
  h = bijectors.Squeeze(dtype=tf.float64).inverse(images)
  z = glow.levels[0].steps[0].actnorm.inverse(h)
  np.testing.assert_allclose(np.mean(z, (0, 1, 2)), 0., atol=1e-9)
  np.testing.assert_allclose(np.std(z, (0, 1, 2)), 1., rtol=1e-9)


def test_initialize_works_with_one_image():
  glow = make_glow(tf.float32)
  glow.initialize(tf.zeros([1, 4, 4, 2]))
  assert np.all(np.isfinite(glow.inverse(tf.zeros([1, 4, 4, 2]))))


def test_seed_decides_the_weights():
  one, same, other = make_glow(), make_glow(), make_glow(seed=2)
  for a, b in zip(one.variables, same.variables):
    np.testing.assert_array_equal(a, b)
  assert any(np.any(a.numpy() != b.numpy()) for a, b in zip(one.variables, other.variables))


def test_integrates_to_one():
  """The density of a flow on 2 x 2 pixels, summed over a grid in importance-weighted form."""
  glow = checks.perturb(make_glow(image_shape=(2, 2, 1), num_levels=1, depth=3), 0.3)
  d = tfd.TransformedDistribution(
      tfd.Sample(tfd.Normal(tf.zeros([], tf.float64), 1.), [4]), glow)
  # A wider normal fitted to the flow's own samples serves as the proposal.
  samples = tf.reshape(d.sample(20_000, seed=[0, 1]), [-1, 4])
  proposal = tfd.MultivariateStudentTLinearOperator(
      df=tf.constant(4., tf.float64), loc=tf.reduce_mean(samples, 0),
      scale=tf.linalg.LinearOperatorLowerTriangular(
          tf.linalg.cholesky(tfp.stats.covariance(samples))))
  x = proposal.sample(400_000, seed=[2, 3])
  weights = tf.exp(d.log_prob(tf.reshape(x, [-1, 2, 2, 1])) - proposal.log_prob(x))
  error = np.std(weights) / np.sqrt(weights.shape[0])
  assert error < 0.01
  np.testing.assert_allclose(np.mean(weights), 1., atol=4 * error)


def test_diagnostics():
  glow = make_glow()
  fresh = glow.diagnostics()
  np.testing.assert_allclose(fresh['max_condition_number'], 1., rtol=1e-9)
  log_s = glow.levels[1].linear.log_s
  log_s.assign(tf.tensor_scatter_nd_update(log_s, [[0, 0]], [tf.constant(-9., tf.float64)]))
  moved = glow.diagnostics()
  np.testing.assert_allclose(moved['max_abs_log_s'], 9.)
  assert moved['max_condition_number'] > 100.
