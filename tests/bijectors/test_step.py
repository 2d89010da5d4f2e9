"""GlowStep:

    inverse   z = coupling.inverse(linear.inverse(actnorm.inverse(x)))
    forward   x = actnorm.forward(linear.forward(coupling.forward(z)))
"""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers

SMALL = functools.partial(layers.ConvNet, hidden_channels=4, actnorm=True)


class TestGlowStep(checks.BijectorChecks):

  image_shape = (2, 3, 4)
  bad_images = [((3, 2, 3, 5), '4 channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.GlowStep.trainable(4, SMALL, seed=1, dtype=dtype), 0.1)


class TestGlowStepPlain(checks.VariantChecks):

  image_shape = (2, 3, 4)
  xla = False  # slogdet has no XLA kernel on CPU.

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.GlowStep.trainable(
        4, SMALL, 'plain', 'tanh', seed=1, dtype=dtype), 0.1)


@pytest.mark.parametrize('parameterization', ['lu', 'plain'])
def test_folding_changes_nothing(parameterization):
  step = checks.perturb(
      bijectors.GlowStep.trainable(4, SMALL, parameterization, dtype=tf.float64), 0.1)
  chain = checks.tfb.Chain([step.actnorm, step.linear, step.coupling])
  x = checks.normal([3, 2, 2, 4])
  np.testing.assert_allclose(step.inverse(x), chain.inverse(x), rtol=1e-10, atol=1e-10)
  np.testing.assert_allclose(
      step.inverse_log_det_jacobian(x), chain.inverse_log_det_jacobian(x, event_ndims=3),
      rtol=1e-10)
  np.testing.assert_allclose(step.forward(x), chain.forward(x), rtol=1e-10, atol=1e-10)


def test_initialize_sets_the_hidden_actnorms_too():
  step = bijectors.GlowStep.trainable(4, SMALL, dtype=tf.float64)
  x = 3. + 2. * checks.normal([16, 4, 4, 4])
  step.initialize(x)
  z = step.actnorm.inverse(x)
  np.testing.assert_allclose(np.std(z, (0, 1, 2)), 1., rtol=1e-9)
  moved = [v.name for v in step.coupling.trainable_variables
           if 'log_scale_' in v.name and np.any(v.numpy())]
  assert len(moved) == 2
