"""Optimizers: the rules' numbers, which are Keras', clipping by the global norm, clear refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.training import optimizer as optimizer_lib


_RATE, _GRADIENTS = .1, np.array([[1., -2., .5], [.1, .1, .1], [0., 3., -1.]])


def _written_out(name, w):
  """Weights and slots after all gradients, in float64."""
  # As float32 has the constants: their 1 - beta_2 is 1e-5 off Keras', which takes it in float64.
  beta_1, beta_2, epsilon = map(float, np.float32([.9, .999, 1e-7]))
  m, v = np.zeros(3), np.zeros(3)
  for t, g in enumerate(_GRADIENTS, 1):
    m = beta_1 * m + (1 - beta_1) * g
    if name == 'adam':
      v = beta_2 * v + (1 - beta_2) * g**2
      w = w - _RATE * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon)
    elif name == 'adamax':
      v = np.maximum(beta_2 * v, np.abs(g))
      w = w - _RATE / (1 - beta_1**t) * m / (v + epsilon)
    else:
      w = w - _RATE * g
  return w, [] if name == 'sgd' else [m, v]


@pytest.mark.parametrize('name, keras_class', [
    ('adam', keras.optimizers.Adam), ('adamax', keras.optimizers.Adamax),
    ('sgd', keras.optimizers.SGD)])
def test_equals_the_rule_written_out_and_keras(name, keras_class):
  ours, theirs = tf.Variable([1., 2., 3.]), tf.Variable([1., 2., 3.])
  config = tiny.config(optimizer__name=name, optimizer__learning_rate=_RATE).optimizer
  optimizer = optimizer_lib.Optimizer(config, [ours])
  reference = keras_class(learning_rate=_RATE)
  reference.build([theirs])
  for gradient in tf.constant(_GRADIENTS, tf.float32):
    optimizer.apply(tf.distribute.get_strategy(), [gradient], tf.constant(_RATE))
    reference.apply([gradient], [theirs])
  weights, slots = _written_out(name, np.array([1., 2., 3.]))
  # The bias correction has the rounding of 1 - 0.999, 6e-5 of it, and half of that in the root.
  np.testing.assert_allclose(ours.numpy() - [1., 2., 3.], weights - [1., 2., 3.], rtol=3e-5)
  np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)
  for mine, exact in zip(optimizer.variables[2:], slots):
    np.testing.assert_allclose(mine.numpy(), exact, rtol=1e-6)
  # A checkpoint of either is one of the other.
  assert int(optimizer.iterations) == 3
  assert len(optimizer.variables) == len(reference.variables)
  for mine, other in zip(optimizer.variables, reference.variables):
    assert mine.dtype == other.value.dtype
    np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=2e-5)


def test_clip():
  gradients = [tf.constant([3., 0.]), tf.constant([[4.]])]
  clipped, norm = optimizer_lib.clip(gradients, 1.)
  assert float(norm) == pytest.approx(5.)
  np.testing.assert_allclose(clipped[0], [.6, 0.], rtol=1e-6)
  np.testing.assert_allclose(clipped[1], [[.8]], rtol=1e-6)
  for limit in (0., 6.):
    kept, norm = optimizer_lib.clip(gradients, limit)
    assert float(norm) == pytest.approx(5.)
    np.testing.assert_array_equal(kept[0], gradients[0])


def test_refuses_an_unknown_name():
  with pytest.raises(errors.UserError, match="optimizer.name='lion' is unknown; .*adamax"):
    optimizer_lib.Optimizer(tiny.config(optimizer__name='lion').optimizer, [])
