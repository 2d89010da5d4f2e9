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


def test_initialize_takes_conditions_as_inverse_does():
  hidden = functools.partial(layers.ConvNet, hidden_channels=4, actnorm=True)
  forms = dict(labels=layers.Condition((), 3), context=layers.Condition((2,)))
  network = lambda channels, seed, dtype: layers.ContextNet(
      channels, hidden, forms, seed, dtype=dtype)
  x, context = tf.random.stateless_normal([2, 3, 4, 4, 2], [0, 1]), tf.ones([2])
  steps = [bijectors.GlowStep.trainable(2, network) for _ in range(2)]
  steps[0].initialize(x, labels=[0, 1, 2], context=context)
  steps[1].initialize(tf.reshape(x, [6, 4, 4, 2]), labels=[0, 1, 2, 0, 1, 2],
                      context=tf.ones([6, 2]))
  for one, other in zip(*(step.variables for step in steps)):
    np.testing.assert_allclose(one, other, atol=1e-6)
  for initialize in (steps[0].initialize, steps[0].coupling.initialize):
    for given, message in ((dict(context=context), 'labels is missing'),
                           (dict(labels=[0, 1, 7], context=context), '7')):
      with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=message):
        initialize(x, **given)
