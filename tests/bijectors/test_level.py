"""GlowLevel:

    inverse   z = step_{K-1}.inverse( ... step_0.inverse(x))
    forward   x = step_0.forward( ... step_{K-1}.forward(z))
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import conftest
from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.bijectors import level as level_lib

tfb = tfp.bijectors

SMALL = functools.partial(layers.ConvNet, hidden_channels=4, actnorm=True)


def make_level(dtype=tf.float64, depth=3, **kwargs):
  return checks.perturb(bijectors.GlowLevel.trainable(
      (2, 3, 4), depth, SMALL, seed=1, dtype=dtype, **kwargs), 0.1)


class TestGlowLevel(checks.BijectorChecks):

  image_shape = (2, 3, 4)
  bad_images = [((3, 2, 3, 5), '4 channels')]

  def make(self, dtype=tf.float64):
    return make_level(dtype)


class TestGlowLevelAdditiveReversed(checks.VariantChecks):

  image_shape = (2, 3, 4)

  def make(self, dtype=tf.float64):
    return make_level(dtype, coupling='additive', permutation='reverse')


class TestGlowLevelTanhPlain(checks.VariantChecks):

  image_shape = (2, 3, 4)
  xla = False  # slogdet has no XLA kernel on CPU.

  def make(self, dtype=tf.float64):
    return make_level(dtype, scale_map='tanh', permutation='plain')


class TestGlowLevelMixtureOfLogistics(checks.VariantChecks):

  image_shape = (2, 3, 4)

  def make(self, dtype=tf.float64):
    return make_level(dtype, coupling='mixture_logistics')


class TestGlowLevelSpline(checks.VariantChecks):

  image_shape = (2, 3, 4)

  def make(self, dtype=tf.float64):
    return make_level(dtype, coupling='spline', scale_map='tanh')


@pytest.mark.parametrize('options, traced', [
    (dict(), False), (dict(), True), (dict(scale_map='tanh', permutation='plain'), False),
    (dict(conv_init='permutation'), True),
    (dict(coupling='additive', permutation='shuffle'), False),
    (dict(coupling='mixture_logistics', scale_map='tanh'), True),
    (dict(coupling='spline'), False)], ids=str)
def test_loop_equals_its_steps(options, traced):
  """Values, log-dets and the gradients of every weight, against the steps one by one."""
  level = make_level(**options)
  x = checks.normal([3, 2, 3, 4])

  def rolled():
    with tf.GradientTape() as tape:
      z, log_det = level.inverse_and_log_det(x)
      loss = tf.reduce_sum(z**2) + tf.reduce_sum(log_det)
    return z, log_det, tape.gradient(loss, level.trainable_variables)

  def unrolled():
    with tf.GradientTape() as tape:
      z, log_det = x, 0.
      for step in level.steps:
        z, ildj = step.inverse_and_log_det(z)
        log_det += ildj
      loss = tf.reduce_sum(z**2) + tf.reduce_sum(log_det)
    gradients = tape.gradient(loss, level.trainable_variables)
    return z, log_det, [tf.convert_to_tensor(g) for g in gradients]

  got = tf.function(rolled)() if traced else rolled()
  for a, b in zip(tf.nest.flatten(got), tf.nest.flatten(unrolled())):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
  h = x
  for step in reversed(level.steps):
    h = step.forward(h)
  np.testing.assert_allclose(level.forward(x), h, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('scale_map', ['sigmoid', 'tanh'])
def test_networks_see_a_bounded_half(scale_map):
  step, = make_level(depth=1, scale_map=scale_map).steps
  coupling = step.coupling
  z = checks.normal([2, 2, 3, 4])
  far = lambda times: tf.concat([times * tf.sign(z[..., :2]), z[..., 2:]], -1)
  at_limit, beyond = coupling.forward(far(4.)), coupling.forward(far(1e6))
  np.testing.assert_array_equal(at_limit[..., 2:], beyond[..., 2:])
  np.testing.assert_array_equal(beyond[..., :2], far(1e6)[..., :2])
  assert np.abs(at_limit - coupling.forward(far(3.9)))[..., 2:].min() > 0.


def test_latents_that_no_image_has_do_not_blow_up():
  level = make_level(tf.float32, depth=64, scale_map='sigmoid')
  z = 20. * checks.normal([8, 2, 3, 4], tf.float32)
  x = level.forward(z)
  assert np.isfinite(x).all()
  np.testing.assert_allclose(
      level.inverse(tf.identity(x)), z, atol=1e-4 * np.abs(x).max())


def test_graph_does_not_grow_with_depth():
  def count_operations(depth):
    level = make_level(depth=depth)
    graph = tf.function(level.inverse).get_concrete_function(
        tf.TensorSpec([2, 2, 3, 4], tf.float64)).graph
    return len(graph.get_operations())

  assert count_operations(2) == count_operations(8)


def test_cost_of_the_start_does_not_grow_with_depth():
  networks, operations = [], []

  def network(*args, **kwargs):
    networks.append(SMALL(*args, **kwargs))
    return networks[-1]

  for depth in (2, 8):
    level = bijectors.GlowLevel.trainable((2, 3, 4), depth, network, dtype=tf.float64)
    graph = tf.function(level.initialize, autograph=False).get_concrete_function(
        tf.TensorSpec([2, 2, 3, 4], tf.float64)).graph
    operations.append(len(graph.get_operations()))
  assert len(networks) == 2
  assert operations[0] == operations[1]


@pytest.mark.parametrize('how', ['traced', 'two replicas'])
def test_initialize_in_a_graph_and_on_replicas(how):
  x = 3. + 2. * checks.normal([8, 4, 4, 4])
  expected = bijectors.GlowLevel.trainable((4, 4, 4), 3, SMALL, dtype=tf.float64)
  expected.initialize(x)
  if how == 'traced':
    level = bijectors.GlowLevel.trainable((4, 4, 4), 3, SMALL, dtype=tf.float64)
    tf.function(level.initialize)(x)
  else:
    strategy = conftest.mirrored_strategy()
    with strategy.scope():
      level = bijectors.GlowLevel.trainable((4, 4, 4), 3, SMALL, dtype=tf.float64)
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: x[4 * context.replica_id_in_sync_group:][:4])
    tf.function(lambda: strategy.run(level.initialize, (parts,)))()
  for got, value in zip(level.variables, expected.variables):
    np.testing.assert_allclose(got, value, rtol=1e-9, atol=1e-12)


def test_initialize_equals_initialising_step_after_step():
  level = bijectors.GlowLevel.trainable((4, 4, 4), 3, SMALL, dtype=tf.float64)
  fresh = bijectors.GlowLevel.trainable((4, 4, 4), 3, SMALL, dtype=tf.float64)
  x = 3. + 2. * checks.normal([8, 4, 4, 4])
  z = level.initialize(x)
  np.testing.assert_allclose(z, level.inverse(x), rtol=1e-9, atol=1e-9)
  h = x
  for k, step in enumerate(fresh.steps):
    actnorm = bijectors.ActNorm.trainable(4, tf.float64)
    actnorm.initialize(h)
    np.testing.assert_allclose(level.actnorm.bias[k], actnorm.bias, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        level.actnorm.log_scale[k], actnorm.log_scale, rtol=1e-9, atol=1e-12)
    h = bijectors.GlowStep(actnorm, step.linear, level.steps[k].coupling).inverse(h)
  assert np.any(level.coupling_weights[2].numpy())  # The network's first ActNorm.


@pytest.mark.parametrize('coupling, direction', [
    ('mixture_logistics', 'inverse'), ('spline', 'forward')])
def test_couplings_in_a_reversible_level(coupling, direction):
  """Recomputing, which inverts the coupling, gives the gradients of keeping."""
  x = checks.normal([3, 2, 3, 4])

  @tf.function(autograph=False)
  def gradients(level):
    with tf.GradientTape() as tape:
      tape.watch(x)
      z, log_det = getattr(level, f'{direction}_and_log_det')(x)
      loss = tf.reduce_sum(z**2) + tf.reduce_sum(log_det)
    return tape.gradient(loss, [x, *level.trainable_variables])

  got, expected = (
      gradients(make_level(coupling=coupling, reversible=r)) for r in (True, False))
  for a, b in zip(got, expected):
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_inner_of_ones_own():
  """A new coupling is an elementwise bijector and the number of its parameters."""
  square = bijectors.Inner(
      1, lambda parameters: tfb.Scale(1. + parameters**2), has_scale=False)
  level = make_level(coupling=square)
  x = checks.normal([3, 2, 3, 4])
  np.testing.assert_allclose(level.forward(checks.copied(level.inverse(x))), x, rtol=1e-9)
  wide = make_level(coupling=bijectors.mixture_logistics_inner(num_components=3))
  assert wide.coupling_weights[-2].shape[-1] == 2 * 11  # The output's bias.


def test_steps_differ_from_each_other():
  level = bijectors.GlowLevel.trainable((4, 4, 4), 2, SMALL)
  one, other = level.steps
  assert np.max(np.abs(one.linear.kernel() - other.linear.kernel())) > 0.1
  assert np.max(np.abs(level.coupling_weights[0][0] - level.coupling_weights[0][1])) > 0.1


@pytest.mark.parametrize('permutation', ['lu', 'plain'])
def test_convolutions_that_start_as_permutations(permutation):
  make = lambda **kwargs: bijectors.GlowLevel.trainable(
      (2, 2, 4), 3, SMALL, permutation=permutation, conv_init='permutation', **kwargs)
  kernels = make(seed=1).linear.kernel().numpy()
  np.testing.assert_array_equal(kernels[1], np.roll(np.eye(4), 2, axis=0))
  for kernel in kernels:
    np.testing.assert_array_equal(kernel, np.eye(4)[np.argmax(kernel, axis=1)])
    np.testing.assert_array_equal(np.sum(kernel, axis=0), 1.)
  assert not np.array_equal(kernels, make(seed=2).linear.kernel())


def test_user_mistakes():
  with pytest.raises(ValueError, match="coupling must be one of .* got 'cubic'"):
    make_level(coupling='cubic')
  with pytest.raises(ValueError, match="scale_map must be one of .* got 'exp'"):
    make_level(scale_map='exp')
  with pytest.raises(ValueError, match="permutation must be one of .* got 'none'"):
    make_level(permutation='none')
  with pytest.raises(ValueError, match="conv_init must be one of .* got 'none'"):
    make_level(conv_init='none')
  with pytest.raises(ValueError, match='weights that do not train, frozen or updated'):
    bijectors.GlowLevel.trainable(
        (2, 2, 4), 2, lambda channels, seed, dtype: keras.Sequential(
            [keras.layers.BatchNormalization(), keras.layers.Conv2D(channels, 1)]))
  level = make_level()
  for fixed in (level.copy(coupling_weights=[tf.identity(w) for w in level.coupling_weights]),
                level.copy(actnorm=bijectors.ActNorm(level.actnorm.bias, [[0.] * 4] * level.depth))):
    with pytest.raises(ValueError, match='needs Variables to assign to, got a EagerTensor'):
      fixed.initialize(tf.zeros([2, 2, 2, 4]))
  with pytest.raises(ValueError, match='at least 2 channels'):
    level_lib.GlowLevel.trainable((2, 2, 1), 2, SMALL)
