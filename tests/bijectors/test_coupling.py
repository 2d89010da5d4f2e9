"""Coupling:

    inverse   z_a = x_a,   z_b = inner(conditioner(x_a)).inverse(x_b)
    forward   x_a = z_a,   x_b = inner(conditioner(z_a)).forward(z_b)
    log|det dz/dx| = sum log|dz_b / dx_b|
"""

import functools

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
