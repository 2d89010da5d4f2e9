"""Coupling:

    inverse   z_a = x_a,   z_b = inner(conditioner(x_a)).inverse(x_b)
    forward   x_a = z_a,   x_b = inner(conditioner(z_a)).forward(z_b)
    log|det dz/dx| = sum log|dz_b / dx_b|
"""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.bijectors import elementwise

tfb = tfp.bijectors
tfd = tfp.distributions

SMALL = functools.partial(layers.ConvNet, hidden_channels=4)


class TestAffineSigmoid(checks.BijectorChecks):

  image_shape = (2, 3, 4)
  bad_images = [((1, 2, 3, 6), 'built for 2 channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.AffineCoupling.trainable(4, SMALL, dtype=dtype))


class TestAffineTanhOddChannelsFlipped(checks.VariantChecks):

  image_shape = (2, 3, 3)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.AffineCoupling.trainable(
        3, SMALL, scale_map='tanh', flip=True, dtype=dtype))


class TestAffineCheckerboard(checks.BijectorChecks):

  image_shape = (4, 3, 1)
  bad_images = [((1, 4, 3, 2), 'built for 1 channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.AffineCoupling.trainable(
        1, SMALL, scale_map='tanh', mask='checkerboard', dtype=dtype))


class TestAffineCheckerboardFlipped(checks.VariantChecks):

  image_shape = (4, 3, 2)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.AffineCoupling.trainable(
        2, SMALL, mask='checkerboard', flip=True, dtype=dtype))


class TestAdditive(checks.CopyChecks):

  image_shape = (2, 3, 4)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.AdditiveCoupling.trainable(4, SMALL, dtype=dtype))


class TestMixtureOfLogistics(checks.CopyChecks):

  image_shape = (2, 3, 3)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.Coupling.trainable(
        3, SMALL, 'mixture_logistics', scale_map='tanh', flip=True, dtype=dtype))


class TestSplineCheckerboard(checks.VariantChecks):

  image_shape = (4, 3, 1)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.Coupling.trainable(
        1, SMALL, 'spline', mask='checkerboard', dtype=dtype), 0.1)


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
    b = bijectors.Coupling(
        lambda x_a: tf.zeros_like(x_a) + np.where(moves, 0., value),  # pylint: disable=cell-var-from-loop
        inner, mask='checkerboard')
    with tf.GradientTape() as tape:
      z, ildj = b.inverse_and_log_det(x)
      loss = tf.reduce_sum(z) + tf.reduce_sum(ildj)
    np.testing.assert_allclose(z, np.where(moves, np.sqrt(x), x), rtol=1e-9)
    np.testing.assert_allclose(
        ildj, np.sum(moves * np.log(0.5 / np.sqrt(x)), (1, 2, 3)), rtol=1e-9)
    assert np.isfinite(tape.gradient(loss, power))


@pytest.mark.parametrize('name, cls', [
    ('affine', bijectors.AffineCoupling), ('additive', bijectors.AdditiveCoupling)])
def test_named_inners_are_the_couplings_of_that_name(name, cls):
  named, own = (checks.perturb(b) for b in (
      bijectors.Coupling.trainable(4, SMALL, name), cls.trainable(4, SMALL)))
  x = checks.normal([2, 2, 3, 4], tf.float32)
  np.testing.assert_array_equal(named.inverse(x), own.inverse(x))


@pytest.mark.parametrize('flip', [False, True])
def test_channel_halves(flip):
  """The first half conditions and stays, the second is transformed."""
  seen = []

  def conditioner(x):
    seen.append(x)
    return tf.ones_like(x)

  x = checks.normal([1, 2, 2, 4], tf.float32)
  z = bijectors.AdditiveCoupling(conditioner, flip=flip).inverse(x)
  kept, moved = (slice(2, 4), slice(0, 2)) if flip else (slice(0, 2), slice(2, 4))
  np.testing.assert_array_equal(seen[0], x[..., kept])
  np.testing.assert_array_equal(z[..., kept], x[..., kept])
  np.testing.assert_array_equal(z[..., moved], x[..., moved] + 1.)


def test_checkerboard_halves():
  seen = []

  def conditioner(x):
    seen.append(x)
    return tf.ones_like(x)

  z = bijectors.AdditiveCoupling(conditioner, mask='checkerboard').inverse(tf.ones([1, 2, 3, 1]))
  np.testing.assert_array_equal(seen[0][0, :, :, 0], [[0, 1, 0], [1, 0, 1]])
  np.testing.assert_array_equal(z[0, :, :, 0], [[2, 1, 2], [1, 2, 1]])


class CountingConditioner(tf.Module):
  """Counts its calls, in eager mode as in a graph that is being traced.

  In Python: a Variable that changed would be a reason to run it again.
  """

  def __init__(self):
    super().__init__()
    self.calls = 0
    self.weight = tf.Variable(0.5)

  def __call__(self, x):
    self.calls += 1
    return tf.concat([x, x], -1) * self.weight

  def since(self):
    calls, self.calls = self.calls, 0
    return calls


@pytest.mark.parametrize('in_chain', [False, True])
@pytest.mark.parametrize('traced', [False, True])
def test_conditioner_runs_once(in_chain, traced):
  # Held apart from the module, so that counting is not a change of its variables.
  counting = CountingConditioner()
  bijector = bijectors.AffineCoupling(lambda x: counting(x))
  if in_chain:
    bijector = tfb.Chain([tfb.Scale(2.), bijector, tfb.Invert(bijectors.Squeeze())])
  shape = [4, 4, 1] if in_chain else [2, 2, 4]
  base = tfd.Sample(tfd.Normal(0., 1.), shape)
  d = tfd.TransformedDistribution(base, bijector)
  x = d.sample(3, seed=[0, 1])
  counting.since()
  wrap = tf.function if traced else lambda f: f
  wrap(lambda: d.log_prob(tf.identity(x)))()
  assert counting.since() == 1
  wrap(lambda: d.sample(2, seed=[1, 2]))()
  assert counting.since() == 1
  wrap(lambda: d.experimental_sample_and_log_prob(2, seed=[1, 2]))()
  assert counting.since() == 1

  def gradient():
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(d.log_prob(tf.identity(x)))
    return tape.gradient(loss, counting.weight)

  assert wrap(gradient)() is not None
  assert counting.since() == 1


def test_keyword_arguments_reach_the_conditioner():
  b = bijectors.AdditiveCoupling(lambda x, labels: x + labels[:, None, None, None])
  x = checks.normal([2, 2, 2, 4], tf.float32)
  labels = tf.constant([0., 1.])
  z = b.inverse(x, labels=labels)
  np.testing.assert_allclose(z[..., 2:], x[..., 2:] + x[..., :2] + labels[:, None, None, None])
  d = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0., 1.), [2, 2, 4]), b)
  assert np.all(d.log_prob(x, bijector_kwargs=dict(labels=labels)) !=
                d.log_prob(x, bijector_kwargs=dict(labels=labels + 1.)))


def test_takes_the_dtype_that_comes():
  """As bijectors of TFP do that have no parameters of their own."""
  layer = layers.ConvNet(4, 4, dtype='float64')
  layer.build([None, None, None, 2])
  checks.perturb(layers.LayerConditioner(layer))
  b = bijectors.AffineCoupling(layer)
  assert b.dtype is None
  x = checks.normal([1, 2, 2, 4])
  z = b.inverse(x)
  assert z.dtype == tf.float64
  np.testing.assert_allclose(b.forward(tf.identity(z)), x, rtol=1e-12)
  np.testing.assert_allclose(b.inverse(tf.cast(x, tf.float32)), z, rtol=1e-4)
  with pytest.raises(ValueError, match='float32'):
    bijectors.AffineCoupling(layer, dtype=tf.float32).inverse(x)


@pytest.mark.parametrize('policy', ['bfloat16', 'mixed_bfloat16', 'float32'])
def test_networks_of_low_precision_in_a_flow_of_high(policy):
  layer = layers.ConvNet(4, 4, actnorm=True, dtype=policy)
  layer.build([None, None, None, 2])
  checks.perturb(layers.LayerConditioner(layer))
  b = bijectors.AffineCoupling(layer)
  x = checks.normal([1, 2, 2, 4])
  b.initialize(x)
  with tf.GradientTape() as tape:
    z, ildj = b.inverse_and_log_det(x)
  assert z.dtype == ildj.dtype == tf.float64
  assert all(g is not None for g in tape.gradient(z, b.trainable_variables))
  np.testing.assert_allclose(b.forward(tf.identity(z)), x, rtol=1e-12)


def built(channels, size=1, **kwargs):
  layer = keras.layers.Conv2D(channels, size, **kwargs)
  layer.build([None, None, None, 2])
  return layer


@pytest.mark.parametrize('conditioner, got', [
    (built(3), '3'), (built(5), '5'), (built(8), '8'), (built(1), '1')], ids=str)
def test_a_conditioner_of_the_wrong_size(conditioner, got):
  x = tf.zeros([1, 3, 3, 4])
  message = rf'must return the shape \(1, 3, 3, 4\), 2 for each of 2 channels, got .*, {got}\)'
  for wrap in (lambda f: f, tf.function):
    with pytest.raises(ValueError, match=message):
      wrap(bijectors.AffineCoupling(conditioner).inverse)(x)


def test_other_sizes_that_do_not_fit():
  x = tf.zeros([1, 3, 4, 4])
  with pytest.raises(ValueError, match=r'\(1, 3, 4, 4\), 2 .* got \(1, 2, 3, 4\)'):
    bijectors.AffineCoupling(built(4, 2, padding='valid')).inverse(x)
  for channels in (1, 6):
    with pytest.raises(ValueError, match=f'built for 2 channels, .* would see {channels}'):
      bijectors.AffineCoupling(built(4)).inverse(tf.zeros([1, 2, 2, 2 * channels]))
  with pytest.raises(ValueError, match=r'broadcast to .* \(1, 3, 4, 2\), got \(1, 3, 4, 3\)'):
    bijectors.Coupling(built(3), lambda p: tfb.Shift(p)).inverse(x)
  with pytest.raises(ValueError, match=r'broadcast to .* \(1, 3, 4, 1\), got \(1, 3, 4, 2\)'):
    bijectors.Coupling(
        lambda x_a: tf.zeros([1, 3, 4, 2]), lambda p: tfb.Shift(p)).inverse(x[..., :2])
  with pytest.raises(ValueError, match='elementwise, got scale_matvec_diag .* 1 dim'):
    bijectors.Coupling(
        lambda x_a: x_a, lambda p: tfb.ScaleMatvecDiag(1. + p**2)).inverse(x)


def test_validate_args_finds_a_network_that_has_diverged():
  b = bijectors.AdditiveCoupling(lambda x: x / 0., validate_args=True)
  with pytest.raises(tf.errors.InvalidArgumentError, match="conditioner's output is not finite"):
    b.inverse(tf.ones([1, 2, 2, 4]))


def test_user_mistakes():
  with pytest.raises(ValueError, match='not built'):
    bijectors.AffineCoupling(keras.layers.Conv2D(4, 3))
  with pytest.raises(ValueError, match="mask must be one of .* got 'rows'"):
    bijectors.AdditiveCoupling(lambda x: x, mask='rows')
  with pytest.raises(ValueError, match='at least 2 channels, got 1'):
    bijectors.AdditiveCoupling(lambda x: x).inverse(tf.zeros([1, 2, 2, 1]))
  with pytest.raises(ValueError, match="scale_map must be one of .* got 'exp'"):
    bijectors.AffineCoupling(lambda x: x, scale_map='exp')
  with pytest.raises(ValueError, match="coupling must be one of .* got 'cubic'"):
    bijectors.Coupling.trainable(4, SMALL, 'cubic')
  with pytest.raises(ValueError, match='log_factor'):
    bijectors.AffineCoupling(lambda x: x, scale_map='tanh')


@pytest.mark.parametrize('scale_map', sorted(elementwise.SCALE_MAPS))
def test_starts_as_a_constant_map(scale_map):
  b = bijectors.AffineCoupling.trainable(4, SMALL, scale_map=scale_map)
  x = checks.normal([2, 2, 2, 4], tf.float32)
  scale = 1 / (1 + np.exp(-2.)) if scale_map == 'sigmoid' else 1.
  np.testing.assert_allclose(b.inverse(x)[..., 2:], x[..., 2:] * scale, rtol=1e-6)


@pytest.mark.parametrize('make, name', [
    (lambda: bijectors.AffineCoupling.trainable(4, SMALL, scale_map='tanh'), '_log_factor'),
    (lambda: bijectors.Coupling.trainable(4, SMALL, scale_map='tanh'), '_inner/log_factor')])
def test_names_in_a_checkpoint(make, name, tmp_path):
  """They are on users' disks: of runs with the tutorial's flows, and with dequantisers."""
  path = tf.train.Checkpoint(b=make()).save(str(tmp_path / 'checkpoint'))
  saved = {key.removesuffix('/.ATTRIBUTES/VARIABLE_VALUE').removeprefix('b/')
           for key, _ in tf.train.list_variables(path) if key.startswith('b/')}
  assert saved == {name, *(f'_conditioner/_weights/{i}' for i in range(7))}
