"""Coupling: inner bijectors of TFP, whatever their parameters' shape and their domain."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors

tfb = tfp.bijectors

PARAMETER_SHAPES = {
    'scalar': [], 'channels': [2], 'one pixel': [1, 1, 2], 'each image': [1, 1, 2],
    'each pixel': [2, 3, 2]}

# Elementwise bijectors of TFP, made of p of any shape.
positive = lambda p: 0.5 + tf.nn.softplus(p)
TFP_INNERS = {
    'Shift': lambda p: tfb.Shift(p),
    'Scale': lambda p: tfb.Scale(positive(p)),
    'Scale by its logarithm': lambda p: tfb.Scale(log_scale=p),
    'Identity': lambda p: tfb.Identity(),
    'Softplus': lambda p: tfb.Softplus(positive(p)),
    'Tanh': lambda p: tfb.Chain([tfb.Scale(positive(p)), tfb.Tanh()]),
    'SinhArcsinh': lambda p: tfb.SinhArcsinh(p, positive(p)),
    'RationalQuadraticSpline': lambda p: tfb.RationalQuadraticSpline(
        6. * tf.nn.softmax(tf.stack([p, -p, 0.5 * p], -1)),
        6. * tf.nn.softmax(tf.stack([0.2 * p, p, -p], -1)),
        positive(tf.stack([p, -p], -1)), range_min=-3.),
    'Exp': lambda p: tfb.Exp(),
    'Chain': lambda p: tfb.Chain(
        [tfb.Scale(positive(p)), tfb.Softplus(), tfb.Shift(p), tfb.SinhArcsinh(p)]),
}


def tfp_coupling(inner, shape, mask='channel', flip=False):
  """A coupling whose parameters have a given shape, and depend on x_a where they can."""
  start = checks.normal(PARAMETER_SHAPES[shape], seed=5)

  def conditioner(x_a):
    if shape == 'each image':
      return start + tf.reduce_mean(tf.sin(x_a), [1, 2], keepdims=True)
    return start + tf.sin(x_a) if shape == 'each pixel' else start

  return bijectors.Coupling(conditioner, TFP_INNERS[inner], mask, flip)


@pytest.mark.parametrize('mask', ['channel', 'checkerboard'])
@pytest.mark.parametrize('inner, shape', [
    *itertools.product(TFP_INNERS, ['channels', 'each pixel']),
    *itertools.product(['Scale'], ['scalar', 'one pixel', 'each image'])])
def test_inners_of_tfp(inner, shape, mask):
  """Values, and log-dets against Jacobians, whatever the domain and the parameters' shape."""
  b = tfp_coupling(inner, shape, mask)
  z = checks.normal([2, 2, 3, 4 if mask == 'channel' else 2])
  x = tf.identity(b.forward(z))  # Which no cache knows.
  conditioner = b.conditioner
  if mask == 'channel':
    z_a, z_b, moves = z[..., :2], z[..., 2:], [[False, False, True, True]]
  else:
    moves = np.indices([2, 3]).sum(0)[..., None] % 2 == 0
    z_a, z_b = np.where(moves, 0., z), z
  x_b = TFP_INNERS[inner](conditioner(z_a)).forward(z_b)
  x_b = tf.concat([z_a, x_b], -1) if mask == 'channel' else x_b
  np.testing.assert_allclose(x, np.where(moves, x_b, z), rtol=1e-12)
  with tf.GradientTape() as tape:
    tape.watch(x)
    again, ildj = b.inverse(x), b.inverse_log_det_jacobian(x, event_ndims=3)
    loss = tf.reduce_sum(again**2) + tf.reduce_sum(ildj)
  np.testing.assert_allclose(again, z, rtol=1e-9, atol=1e-9)
  assert ildj.shape == [2] and np.all(np.isfinite(tape.gradient(loss, x)))
  expected = [checks.numerical_log_det(b.inverse, one) for one in x]
  np.testing.assert_allclose(ildj, expected, rtol=1e-5, atol=1e-5)
  np.testing.assert_allclose(
      b.forward_log_det_jacobian(tf.identity(z), event_ndims=3), -ildj, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('size, flip', [
    ((1, 1), False), *itertools.product([(1, 3), (3, 1), (4, 3)], [False, True])])
def test_pixels_that_condition_reach_nothing(size, flip):
  """The inner bijector never sees theirs: no NaN in value, log-det or any gradient."""
  power = tf.Variable(2., dtype=tf.float64)
  b = bijectors.Coupling(
      lambda x_a: 1. + x_a**2, lambda p: tfb.Chain([tfb.Power(power), tfb.Exp(), tfb.Scale(p)]),
      mask='checkerboard', flip=flip)
  moves = np.indices(size).sum(0) % 2 == int(flip)

  @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2], tf.float64)])
  def run(x):
    with tf.GradientTape() as tape:
      tape.watch(x)
      z, ildj = b.inverse_and_log_det(x)
      loss = tf.reduce_sum(z) + tf.reduce_sum(ildj)
    return z, ildj, tape.gradient(loss, [x, power], unconnected_gradients='zero')

  x = np.abs(checks.normal([2, *size, 2])) + 0.1
  x = np.where(moves[..., None], x, -x)  # Their power is NaN.
  z, ildj, gradients = tf.nest.map_structure(np.array, run(x))
  np.testing.assert_array_equal(z[:, ~moves], x[:, ~moves])
  scale = 1. + np.where(moves[..., None], 0., x)**2
  np.testing.assert_allclose(
      z[:, moves], np.log(x[:, moves]) / (2. * scale[:, moves]), rtol=1e-9)
  assert all(np.all(np.isfinite(t)) for t in (ildj, *gradients))
  np.testing.assert_allclose(b.forward(z), x, rtol=1e-9)


def test_parameters_of_pixels_that_condition_reach_nothing():
  """Infinite scales there, and domains that no pixel lies in."""
  power = tf.Variable(2., dtype=tf.float64)
  moves = np.indices([2, 3]).sum(0)[..., None] % 2 == 0
  x = np.abs(checks.normal([2, 2, 3, 1])) + 0.1
  for value, inner in (
      (np.inf, lambda p: tfb.Chain([tfb.Power(power), tfb.Scale(log_scale=p)])),
      (100., lambda p: tfb.Chain([tfb.Shift(p), tfb.Power(power)]))):
    p = np.where(moves, 0., value)
    b = bijectors.Coupling(
        lambda x_a, p=p: p + tf.zeros_like(x_a), inner, mask='checkerboard')
    with tf.GradientTape() as tape:
      z, ildj = b.inverse_and_log_det(x)
      loss = tf.reduce_sum(z) + tf.reduce_sum(ildj)
    np.testing.assert_allclose(z, np.where(moves, np.sqrt(x), x), rtol=1e-9)
    np.testing.assert_allclose(
        ildj, np.sum(moves * np.log(0.5 / np.sqrt(x)), (1, 2, 3)), rtol=1e-9)
    assert np.isfinite(tape.gradient(loss, power))
