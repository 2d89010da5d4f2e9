"""cdf, quantile and quantised distributions of what elementwise bijectors make of a normal."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.bijectors import elementwise

tfb = tfp.bijectors
tfd = tfp.distributions

one = lambda value: tf.constant(value, tf.float64)

SCALARS = {
    'shift': lambda: bijectors.ShiftAndScale(one(0.3)),
    'log_scale': lambda: bijectors.ShiftAndScale(one(0.3), one(0.5)),
    'scale': lambda: bijectors.ShiftAndScale(one(0.3), scale=one(2.)),
    'negative scale': lambda: bijectors.ShiftAndScale(one(0.3), scale=one(-2.)),
    'sigmoid scale': lambda: elementwise.ShiftAndSigmoidScale(one(0.3), one(0.5)),
    'logit': lambda: bijectors.Logit(0.1),
    'mixture': lambda: bijectors.MixtureLogistics(
        *(checks.normal([3], seed=seed) for seed in range(3)), one(0.2), one(0.1)),
    'spline': lambda: bijectors.AffineSpline(
        one([1., 3., 2., 2.]), one([2., 2., 3., 1.]), one([0.5, 1., 2.]), one(0.2), one(0.3)),
}


@pytest.mark.parametrize('name', SCALARS)
def test_cdf_and_quantile(name):
  """The cdf is the integral of the density, from one quantile to the other."""
  d = tfd.TransformedDistribution(tfd.Normal(one(0.), 1.), SCALARS[name]())
  low, high = float(d.quantile(0.1)), float(d.quantile(0.9))
  assert low < high
  x = np.linspace(low, high, 20001)
  integral = np.trapezoid(d.prob(x), x) if hasattr(np, 'trapezoid') else np.trapz(d.prob(x), x)
  np.testing.assert_allclose(integral, 0.8, rtol=1e-6)
  np.testing.assert_allclose(d.cdf(one([low, high])), [0.1, 0.9], rtol=1e-9)
  np.testing.assert_allclose(d.survival_function(one(high)), 0.1, rtol=1e-9)


@pytest.mark.parametrize('name', [name for name in SCALARS if name != 'logit'])
def test_quantized(name):
  d = tfd.TransformedDistribution(tfd.Normal(one(0.), 1.), SCALARS[name]())
  quantized = tfd.QuantizedDistribution(d)
  values = np.arange(-100., 101.)
  np.testing.assert_allclose(np.sum(quantized.prob(values)), 1., rtol=1e-6)
  np.testing.assert_allclose(quantized.prob(one(1.)), d.cdf(one(1.)) - d.cdf(one(0.)), rtol=1e-6)


def test_a_scale_in_a_variable_can_change_its_sign():
  scale = tf.Variable(2.)
  d = tfd.TransformedDistribution(
      tfd.Normal(0., 1.), tfb.Invert(bijectors.ShiftAndScale(0., scale=scale)))
  np.testing.assert_allclose(d.cdf(1.), tfd.Normal(0., 2.).cdf(1.), rtol=1e-6)
  scale.assign(-2.)
  np.testing.assert_allclose(d.cdf(tf.constant(1.)), tfd.Normal(0., 2.).cdf(1.), rtol=1e-6)
