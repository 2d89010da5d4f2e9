"""ImageModel: uint8 images in, likelihoods, latents and uint8 images out."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import distributions


@pytest.fixture(name='model', scope='module', params=[(8, 0.), (5, 0.), (8, 1e-5)], ids=str)
def fixture_model(request):
  n_bits, alpha = request.param
  flow = bijectors.Glow((8, 8, 1), num_levels=2, depth=2, hidden_channels=4)
  model = distributions.ImageModel(distributions.flow_distribution(flow, alpha), n_bits)
  model.initialize(images(), noise())
  return model


def images(n=4):
  return tf.cast(tf.random.stateless_uniform(
      [n, 8, 8, 1], [0, 1], 0, 256, dtype=tf.int32), tf.uint8)


def noise(n=4):
  return distributions.uniform_noise([n, 8, 8, 1], [1, 2])


def test_likelihood_follows_the_contract(model):
  x = distributions.dequantize(images(), noise(), model.n_bits)
  density = model.distribution.log_prob(x)
  d = 64
  np.testing.assert_allclose(
      model.log_prob(images(), noise()), density - d * math.log(2.**model.n_bits), rtol=1e-6)
  np.testing.assert_allclose(
      model.bits_per_dim(images(), noise()),
      -(density - d * math.log(2.**model.n_bits)) / (d * math.log(2.)), rtol=1e-6)
  np.testing.assert_allclose(
      model.bits_per_dim(images(), noise()),
      distributions.bits_per_dim(density, d, model.n_bits), rtol=1e-5)


def test_decode_undoes_encode(model):
  latents = model.encode(images(), tf.fill([4, 8, 8, 1], 0.5))
  assert latents.shape == (4, 64)
  shift = 8 - model.n_bits
  np.testing.assert_array_equal(
      model.quantize(model.decode(tf.identity(latents))).numpy() >> shift,
      images().numpy() >> shift)


def test_samples(model):
  samples = model.sample(3, temperature=0.7, seed=[4, 5])
  assert samples.shape == (3, 8, 8, 1) and samples.dtype == tf.uint8
  np.testing.assert_array_equal(samples, model.sample(3, temperature=0.7, seed=[4, 5]))
  assert np.any(samples != model.sample(3, temperature=0.7, seed=[4, 6]))
  cold = model.sample(3, temperature=0., seed=[4, 5])
  np.testing.assert_array_equal(cold[0], cold[1])
  np.testing.assert_allclose(
      np.std(model.sample_latents(1000, temperature=0.7)), 0.7, rtol=0.01)


def test_initialize_whitens_what_the_flow_sees(model):
  x = distributions.dequantize(images(), noise(), model.n_bits)
  h = bijectors.Squeeze().inverse(model.distribution.bijector.bijectors[0].inverse(x))
  z = model.flow.levels[0].steps[0].actnorm.inverse(h)
  np.testing.assert_allclose(np.mean(z, (0, 1, 2)), 0., atol=1e-4)
  np.testing.assert_allclose(np.std(z, (0, 1, 2)), 1., atol=1e-4)


def test_every_weight_is_found_once(model):
  ids = [id(v) for v in model.trainable_variables]
  assert len(ids) == len(set(ids))
  assert sorted(ids) == sorted(id(v) for v in model.flow.trainable_variables)


def test_user_mistakes(model):
  with pytest.raises(ValueError, match='got float32 of the shape'):
    model.log_prob(tf.cast(images(), tf.float32), noise())
  with pytest.raises(ValueError, match=r'\[N, 8, 8, 1\], got uint8 of the shape \(4, 8, 8\)'):
    model.log_prob(images()[..., 0], noise())
  with pytest.raises(ValueError, match='n_bits must lie between 1 and 8, got 9'):
    distributions.ImageModel(model.distribution, n_bits=9)
