"""The rolled loop's reversible form: the gradients of autodiff, without its activations."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers

SMALL = functools.partial(layers.ConvNet, hidden_channels=8)


def make_level(depth, dtype, reversible=True):
  return checks.perturb(bijectors.GlowLevel.trainable(
      (4, 4, 4), depth, SMALL, seed=1, dtype=dtype, reversible=reversible), 0.02)


def gradients(level, x, direction):
  """Value and gradients of a loss on value and log-det, of the input and every weight."""
  with tf.GradientTape() as tape:
    tape.watch(x)
    y, log_det = getattr(level, f'{direction}_and_log_det')(x)
    loss = tf.reduce_mean(y**2) - 0.01 * tf.reduce_mean(log_det)
  return [y, log_det, *tape.gradient(loss, [x, *level.trainable_variables])]


def plain_twin(level):
  return level.copy(reversible=False)


RUN = {
    'eager': lambda f: f,
    'graph': tf.function,
    'xla': functools.partial(tf.function, jit_compile=True),
}


@pytest.mark.parametrize('dtype, depth, tolerance, run, direction', [
    (tf.float32, 4, 1e-5, 'eager', 'forward'), (tf.float32, 8, 1e-5, 'xla', 'inverse'),
    (tf.float64, 32, 1e-10, 'graph', 'inverse'), (tf.float64, 32, 1e-10, 'xla', 'forward')],
                         ids=lambda value: getattr(value, 'name', value))
def test_gradients_are_those_of_autodiff(dtype, depth, tolerance, run, direction):
  level = make_level(depth, dtype)
  x = checks.normal([2, 4, 4, 4], dtype)
  got = RUN[run](lambda x: gradients(level, x, direction))(x)
  expected = tf.function(lambda x: gradients(plain_twin(level), x, direction))(x)
  for a, b in zip(got, expected):
    assert np.all(np.isfinite(b))
    np.testing.assert_allclose(a, b, atol=tolerance * max(1., np.max(np.abs(b))), rtol=0)


def test_gradients_under_mirrored_strategy(mirrored):
  with mirrored.scope():
    level = make_level(4, tf.float64)
  x = checks.normal([4, 4, 4, 4])
  expected = gradients(plain_twin(level), x[:2], 'inverse')[2:]
  batches = mirrored.experimental_distribute_values_from_function(
      lambda context: x[:2])
  got = mirrored.run(tf.function(lambda x: gradients(level, x, 'inverse')[2:]), [batches])
  for a, b in zip(got, expected):
    for replica in mirrored.experimental_local_results(a):
      np.testing.assert_allclose(replica, b, atol=1e-10)


def test_condition_is_differentiated():
  """A Tensor given to every conditioner gets the sum of its gradients."""
  class Conditioned(layers.ConvNet):

    def call(self, x, shift):
      return super().call(x + shift)

  level = checks.perturb(bijectors.GlowLevel.trainable(
      (4, 4, 4), 3, functools.partial(Conditioned, hidden_channels=8), dtype=tf.float64,
      reversible=True), 0.05)
  x, shift = checks.normal([2, 4, 4, 4]), checks.normal([2, 4, 4, 2], seed=1)

  def gradient(level):
    with tf.GradientTape() as tape:
      tape.watch(shift)
      y, log_det = level.inverse_and_log_det(x, shift=shift)
      loss = tf.reduce_sum(y**2) + tf.reduce_sum(log_det)
    return tape.gradient(loss, shift)

  np.testing.assert_allclose(gradient(level), gradient(plain_twin(level)), atol=1e-10)
  assert np.max(np.abs(gradient(level))) > 0.1


@pytest.mark.parametrize('run', ['eager', 'graph'])
def test_second_order_gradients_raise(run):
  level = make_level(2, tf.float64)
  x = checks.normal([2, 4, 4, 4])

  def second_order():
    with tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as inner:
        inner.watch(x)
        loss = tf.reduce_sum(level.inverse(x)**3)
      norm = tf.reduce_sum(inner.gradient(loss, x)**2)
    return outer.gradient(norm, x)

  with pytest.raises(NotImplementedError, match='reversible=False'):
    RUN[run](second_order)()


def test_forgets_activations():
  """No tensor of K images survives into the backward pass of the traced graph."""
  def stacked_images(reversible):
    level = make_level(5, tf.float32, reversible)
    graph = tf.function(lambda x: gradients(level, x, 'inverse')).get_concrete_function(
        tf.TensorSpec([2, 4, 4, 4])).graph
    return sum('TensorListPushBack' in op.type
               for function in graph._functions.values()  # pylint: disable=protected-access
               for op in function.graph.get_operations())

  assert stacked_images(reversible=False) > 0
  assert stacked_images(reversible=True) == 0
