"""Variational dequantisation:

    x = (floor(images / 2**(8 - n_bits)) + u) / 2**n_bits,   u ~ q(u | image)
    forward   u = sigmoid(f_n( ... f_1(logit(e); c) ...; c)),   c = context(images)
    log|det du/de| = -log q(u | images)
"""

import copy
import functools
import math
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import distributions
from tfp_glow import layers

tfd = tfp.distributions

TUTORIAL = dict()
FLOWPP = dict(inner='mixture_logistics', context_network=functools.partial(
    layers.GatedNet, 3, hidden_channels=4, num_blocks=1))
FORMS = pytest.mark.parametrize('form', [TUTORIAL, FLOWPP], ids=['tutorial', 'flow++'])


def make(form=TUTORIAL, image_shape=(4, 3, 1), n_bits=8, dtype=tf.float64, scale=0.3, **kwargs):
  dequantizer = distributions.VariationalDequantizer.trainable(
      image_shape, n_bits, num_couplings=2, dtype=dtype, network=functools.partial(
          layers.GatedNet, hidden_channels=4, num_blocks=1), **form, **kwargs)
  return checks.perturb(dequantizer, scale)


def images(n=3, image_shape=(4, 3, 1)):
  return tf.cast(tf.random.stateless_uniform(
      [n, *image_shape], [0, 1], 0, 256, dtype=tf.int32), tf.uint8)


def noise(n=3, image_shape=(4, 3, 1), dtype=tf.float64):
  return tf.cast(distributions.uniform_noise([n, *image_shape], [1, 2]), dtype)


@FORMS
def test_noise_flow_is_a_bijector(form):
  """Round trip, and log-dets that cancel and are the numerical Jacobian's."""
  dequantizer = make(form)
  flow = dequantizer.noise_flow
  u, log_det = flow.forward_and_log_det(noise(), images=images())
  assert np.all((u > 0.) & (u < 1.))
  e, log_det_back = flow.inverse_and_log_det(u, images=images())
  np.testing.assert_allclose(e, noise(), rtol=1e-8)
  np.testing.assert_allclose(log_det, -log_det_back, rtol=1e-7)
  for i in range(3):
    one = images()[i:i + 1]
    expected = checks.numerical_log_det(
        lambda e, one=one: flow.forward(e, images=tf.repeat(one, e.shape[0], 0)), noise()[i],
        epsilon=1e-7)
    np.testing.assert_allclose(log_det[i], expected, rtol=1e-4)


@FORMS
def test_distribution_of_the_noise(form):
  """The density that belongs to x is that of TFP's distribution over noise."""
  dequantizer = make(form, n_bits=5)
  x, log_q = dequantizer(images(), noise())
  u = x * 32. - tf.cast(images() // 8, tf.float64)
  assert np.all((u > 0.) & (u < 1.))
  density = dequantizer.distribution.log_prob(u, bijector_kwargs=dict(images=images()))
  np.testing.assert_allclose(log_q, density + 12 * math.log(32.), rtol=1e-6)
  np.testing.assert_array_equal(
      np.floor(x * 32.), images().numpy() // 8)
  other = dequantizer.distribution.log_prob(
      tf.identity(u), bijector_kwargs=dict(images=255 - images()))
  assert np.all(other != density)
  sample = dequantizer.distribution.sample(
      3, seed=[0, 1], bijector_kwargs=dict(images=images()))
  assert sample.shape == (3, 4, 3, 1)


@FORMS
def test_density_integrates_to_one(form):
  """Over a grid of the logits of two pixels' noise, where the density is smooth."""
  dequantizer = make(form, image_shape=(2, 1, 1), scale=0.2)
  logits, width = np.linspace(-20., 20., 201, retstep=True)
  grid = np.stack(np.meshgrid(logits, logits), -1).reshape(-1, 2, 1, 1)
  u = 1. / (1. + np.exp(-grid))
  image = tf.tile(tf.constant([[[[30]], [[200]]]], tf.uint8), [len(grid), 1, 1, 1])
  density = tf.exp(tf.function(dequantizer.distribution.log_prob)(
      tf.constant(u), bijector_kwargs=dict(images=image)))
  assert np.std(density) > 0.1
  np.testing.assert_allclose(
      np.sum(density * np.prod(u * (1. - u), (1, 2, 3))) * width**2, 1., atol=1e-3)


def test_starts_as_the_uniform_one():
  """The affine form; the components of a mixture of logistics must differ."""
  x, log_q = make(scale=0., dtype=tf.float32)(images(), noise(dtype=tf.float32))
  expected = distributions.UniformDequantizer()(images(), noise(dtype=tf.float32))
  np.testing.assert_allclose(x, expected[0], atol=1e-6)
  np.testing.assert_allclose(log_q, expected[1], atol=1e-2)


@pytest.mark.parametrize('value', [0., 1. - 2.**-24])
@FORMS
def test_extreme_noise_stays_in_the_bin(form, value):
  dequantizer = make(form, dtype=tf.float32)
  for image in (0, 255):
    image = tf.fill([1, 4, 3, 1], tf.constant(image, tf.uint8))
    x, log_q = dequantizer(image, tf.fill(image.shape, value))
    level = tf.cast(image, tf.float32)
    assert np.all((x * 256. >= level) & (x * 256. <= level + 1.))
    assert np.all(np.isfinite(log_q))


@FORMS
def test_every_weight_is_found_once_with_a_gradient_and_saved_once(form, tmp_path):
  flow = bijectors.Glow((4, 4, 1), num_levels=1, depth=1, hidden_channels=4, dtype=tf.float64)
  dequantizer = make(form, image_shape=(4, 4, 1))
  model = distributions.ImageModel(
      distributions.flow_distribution(flow), dequantizer=dequantizer)
  ids = [id(v) for v in model.trainable_variables]
  assert len(ids) == len(set(ids))
  own = [*dequantizer.trainable_variables, *flow.trainable_variables]
  assert sorted(ids) == sorted(map(id, own))
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(model.bits_per_dim(
        images(3, (4, 4, 1)), noise(3, (4, 4, 1))))
  for v, g in zip(own, tape.gradient(loss, own)):
    assert g is not None and np.all(np.isfinite(g)), v.name
  path = tf.train.Checkpoint(m=model).save(str(tmp_path / 'checkpoint'))
  saved = [name for name, _ in tf.train.list_variables(path) if name.startswith('m/')]
  assert len(saved) == len(model.variables)


def test_initialize_passes_through():
  """First the dequantizer's networks, then the flow on what it makes."""
  dequantizer = distributions.VariationalDequantizer.trainable(
      (4, 4, 1), num_couplings=2, network=functools.partial(
          layers.ConvNet, hidden_channels=4, actnorm=True))
  flow = bijectors.Glow((4, 4, 1), num_levels=1, depth=1, hidden_channels=4)
  model = distributions.ImageModel(
      distributions.flow_distribution(flow), dequantizer=dequantizer)
  x, e = images(16, (4, 4, 1)), noise(16, (4, 4, 1), tf.float32)
  model.initialize(x, e)
  log_scales = [v for v in dequantizer.variables if 'log_scale_' in v.name]
  assert len(log_scales) == 4 and all(np.any(v.numpy() != 0.) for v in log_scales)
  shifted = model.distribution.bijector.bijectors[0].inverse(model.dequantizer(x, e)[0])
  z = flow.levels[0].steps[0].actnorm.inverse(bijectors.Squeeze().inverse(shifted))
  np.testing.assert_allclose(np.std(z, (0, 1, 2)), 1., rtol=1e-3)


@FORMS
def test_compiles(form):
  dequantizer = make(form)
  for got, expected in zip(
      tf.function(dequantizer, jit_compile=True)(images(), noise()),
      dequantizer(images(), noise())):
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_training_tightens_the_bound():
  """With p(x) of Beta(2, 5) noise in every bin, the gap falls from 1.6 nats to next to none."""
  beta = tfd.Beta(2., 5.)
  dequantizer = make(dtype=tf.float32, scale=0.)
  optimizer = tf.keras.optimizers.Adam(0.02)
  optimizer.build(dequantizer.trainable_variables)
  x = images(32)

  @tf.function
  def step(e):
    with tf.GradientTape() as tape:
      y, log_q = dequantizer(x, e)
      u = y * 256. - tf.cast(x, tf.float32)
      gap = tf.reduce_mean(log_q) / 12. - math.log(256.) - tf.reduce_mean(beta.log_prob(u))
    optimizer.apply(
        tape.gradient(gap, dequantizer.trainable_variables), dequantizer.trainable_variables)
    return gap

  gaps = [step(distributions.uniform_noise(x.shape, [3, k])).numpy() for k in range(150)]
  np.testing.assert_allclose(np.mean(gaps[:1]), 1.6, atol=0.4)
  assert np.mean(gaps[-20:]) < 0.1


def test_all_of_a_bin_can_be_reached():
  """However much the couplings shrink h: here to a half, where alpha = 1e-5 left 0.2% an end."""
  halved = bijectors.Coupling(
      lambda x, context: tf.zeros_like(x),
      lambda _: bijectors.ShiftAndScale(tf.constant(0.), tf.math.log(tf.constant(.5))),
      'checkerboard')
  other = halved.copy(flip=True)
  noise_flow = distributions.NoiseFlow([halved, other])
  given = dict(images=tf.zeros([1, 2, 2, 1], tf.uint8))
  ends = [noise_flow.forward(tf.fill([1, 2, 2, 1], e), **given).numpy()
          for e in (0., 1. - 2.**-24)]
  assert np.all(ends[0] < 2e-4) and np.all(ends[1] > 1. - 3e-4)


@pytest.mark.parametrize('how', [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))],
                         ids=['deepcopy', 'pickle'])
def test_copies_of_the_noise_flow_are_independent(how):
  noise_flow = make({'inner': 'affine'}, image_shape=(4, 4, 1)).noise_flow
  images, e = tf.zeros([2, 4, 4, 1], tf.uint8), tf.fill([2, 4, 4, 1], tf.constant(.3, tf.float64))
  before, copied = noise_flow.forward(e, images=images), how(noise_flow)
  for v in noise_flow.trainable_variables:
    v.assign_add(.1 * tf.ones_like(v))
  np.testing.assert_array_equal(copied.forward(e, images=images), before)
  assert not {id(v) for v in copied.variables} & {id(v) for v in noise_flow.variables}
