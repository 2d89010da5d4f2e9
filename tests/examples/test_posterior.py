"""The example of an inverse problem runs, and agrees with a posterior that is known."""

import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.examples import cells
from tfp_glow import bijectors
from tfp_glow import distributions

tfd = tfp.distributions

_SIZE, _NOISE, _ALPHA = 16, .5, 1e-5


@pytest.fixture(name='names', scope='module')
def fixture_names(digits_folder, tmp_path_factory):
  del digits_folder
  picture = tmp_path_factory.mktemp('posterior') / 'picture.png'
  return cells.run(
      'posterior.py', STEPS=1, LEVELS=1, DEPTH=1, WIDTH=4, PICTURE=str(picture),
      HMC=dict(num_chains=3, num_burnin=2, num_results=5, num_leapfrog_steps=1, step_size=.01),
      VI=dict(num_steps=2, sample_size=2, learning_rate=1e-3))


def _linear_flow():
  """A flow without couplings, whose last scale is one pixel: any linear map of 4x4 images."""
  parts = [bijectors.Squeeze(), bijectors.Squeeze(), bijectors.ActNorm.trainable(_SIZE),
           bijectors.InvertibleConv1x1.trainable(_SIZE, seed=0)]
  flow = bijectors.MultiScale((4, 4, 1), [parts], [])
  random = np.random.RandomState(0)
  for variable in flow.trainable_variables:
    variable.assign_add(.1 * random.randn(*variable.shape))
  return flow


def _moments(flow):
  """Mean and covariance, in float64, of what a linear flow makes of a standard normal."""
  mean = flow.forward(tf.zeros([_SIZE])).numpy().astype(np.float64).ravel()
  columns = flow.forward(tf.eye(_SIZE)).numpy().astype(np.float64).reshape(_SIZE, _SIZE) - mean
  return mean, columns.T @ columns


def _logits(x):
  """Logits `[..., 16]` of images in the unit cube."""
  return tf.reshape(bijectors.Logit(_ALPHA).inverse(x), [*x.shape[:-3], _SIZE])


@pytest.fixture(name='toy', scope='module')
def fixture_toy():
  """Means of 2x2 logits in noise, of an image whose logits are normal: so are they given those.

  The flow of images in the unit cube is not linear, so that its log-determinants matter.
  """
  flow = _linear_flow()
  half = np.repeat(np.eye(2), 2, 1) / 2.
  operator = np.kron(half, half)
  mean, covariance = _moments(flow)
  random = np.random.RandomState(1)
  observed = operator @ random.multivariate_normal(mean, covariance) + _NOISE * random.randn(4)

  def log_likelihood(x):
    y = tf.linalg.matvec(tf.constant(operator, x.dtype), _logits(x))
    return tfd.Independent(tfd.Normal(y, _NOISE), 1).log_prob(tf.constant(observed, x.dtype))

  of_observed = operator @ covariance @ operator.T + _NOISE**2 * np.eye(4)
  gain = covariance @ operator.T @ np.linalg.inv(of_observed)
  residual = observed - operator @ mean
  log_evidence = -.5 * (residual @ np.linalg.solve(of_observed, residual)
                        + np.linalg.slogdet(2. * np.pi * of_observed)[1])
  return types.SimpleNamespace(
      prior=distributions.flow_distribution(flow, _ALPHA), log_likelihood=log_likelihood,
      prior_moments=(mean, covariance), mean=mean + gain @ residual,
      covariance=covariance - gain @ operator @ covariance, log_evidence=log_evidence)


def _in_standard_errors(draws, exact):
  """How far the mean of draws `[S, chains, D]` is from a value, by their effective number."""
  effective = tfp.mcmc.effective_sample_size(draws, cross_chain_dims=1).numpy()
  assert np.min(effective) > 100.
  return np.abs(np.mean(draws, (0, 1)) - exact) / (np.std(draws, (0, 1)) / np.sqrt(effective))


def test_hmc_has_the_exact_mean_and_deviation(names, toy):
  draws, accepted = names['sample_posterior'](
      toy.prior, toy.log_likelihood, num_chains=8, num_burnin=150, num_results=300,
      num_leapfrog_steps=2, step_size=.3)
  draws = _logits(draws).numpy().astype(np.float64)
  squares = (draws - toy.mean)**2
  assert accepted.shape == (300, 8) and np.mean(accepted) > .6
  assert np.max(tfp.mcmc.potential_scale_reduction(draws, split_chains=True)) < 1.1
  assert np.max(_in_standard_errors(draws, toy.mean)) < 4.
  assert np.max(_in_standard_errors(squares, np.diag(toy.covariance))) < 4.
  # The prior, which sees no observation, is told from the posterior by the same measure.
  mean, covariance = toy.prior_moments
  assert np.max(_in_standard_errors(draws, mean)) > 20.
  assert np.max(_in_standard_errors(squares, np.diag(covariance))) > 20.


def test_the_surrogate_is_the_exact_posterior_and_its_elbo_the_evidence(names, toy):
  before = [variable.numpy() for variable in toy.prior.variables]
  surrogate, elbo = names['fit_surrogate'](
      toy.prior, toy.log_likelihood, num_steps=500, sample_size=16, learning_rate=.05)
  mean, covariance = _moments(surrogate.bijector.bijectors[-1])
  inverse, error = np.linalg.inv(toy.covariance), mean - toy.mean
  divergence = .5 * (np.trace(inverse @ covariance) - _SIZE + error @ inverse @ error
                     - np.linalg.slogdet(inverse @ covariance)[1])
  assert divergence < .1
  last = elbo.numpy()[-50:].astype(np.float64)
  standard_error = np.std(last) / np.sqrt(len(last))
  assert standard_error < .05
  np.testing.assert_allclose(np.mean(last), toy.log_evidence - divergence, atol=4. * standard_error)
  for variable, value in zip(toy.prior.variables, before):
    np.testing.assert_array_equal(variable, value)


def test_runs(names):
  assert names['samples'].shape == (5, 3, 28, 28, 1) and names['accepted'].shape == (5, 3)
  for name in ('mean', 'std', 'vi_mean', 'vi_std', 'truth', 'ess', 'r_hat'):
    assert names[name].shape == (28, 28, 1), name
  assert names['elbo'].shape == (2,) and np.all(np.isfinite(names['elbo']))
  assert plt.imread(names['PICTURE']).shape[0] > 100


def test_what_is_observed_are_means_of_pixels(names):
  images = np.random.RandomState(2).rand(2, 28, 28, 1).astype(np.float32)
  means = images.reshape(2, 7, 4, 7, 4, 1).mean((2, 4))
  np.testing.assert_allclose(names['blur'](images), means, rtol=1e-5)
  # At the observed digit itself the likelihood is that of the noise.
  logits = bijectors.Logit(1e-5).inverse(names['truth'])
  noise = (names['observed'] - names['blur'](names['truth'])).numpy() / names['NOISE']
  expected = np.sum(-.5 * noise**2 - np.log(names['NOISE'] * np.sqrt(2. * np.pi)))
  np.testing.assert_allclose(names['log_likelihood'](logits), expected, rtol=1e-3)


def test_text_and_code_are_cells():
  cells.check_text('posterior.py', 3, 6)
