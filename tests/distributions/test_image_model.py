"""ImageModel: uint8 images in, likelihoods, latents and uint8 images out."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow import bijectors
from tfp_glow import distributions

tfb = tfp.bijectors
tfd = tfp.distributions


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


def test_importance_weighted_bound_of_one_draw_is_the_one_draw_bound(model):
  seed = [7, 8]
  one = model.importance_weighted_log_prob(images(), 1, seed)
  np.testing.assert_allclose(
      one, model.log_prob(images(), distributions.noise_of_draw([4, 8, 8, 1], seed, 0)),
      rtol=1e-6)


def test_importance_weighted_bound_of_many_draws(model):
  seed = [7, 8]
  draws = [
      model.log_prob(images(), distributions.noise_of_draw([4, 8, 8, 1], seed, k)).numpy()
      for k in range(5)]
  expected = np.logaddexp.reduce(np.float64(draws), 0) - math.log(5.)
  traced = tf.function(model.importance_weighted_log_prob)
  for many in (model.importance_weighted_log_prob(images(), 5, seed),
               traced(images(), tf.constant(5), tf.constant(seed))):
    np.testing.assert_allclose(many, expected, rtol=1e-6)
  np.testing.assert_allclose(
      model.importance_weighted_bits_per_dim(images(), 5, seed),
      -expected / (64 * math.log(2.)), rtol=1e-6)
  assert np.all(expected >= np.mean(draws, 0))


def test_importance_weighted_bound_grows_with_the_draws():
  """In expectation; with 1-bit images, whose wide noise makes draws differ."""
  flow = bijectors.Glow((8, 8, 1), num_levels=2, depth=1, hidden_channels=4)
  model = distributions.ImageModel(distributions.flow_distribution(flow), n_bits=1)
  model.initialize(images(), noise())
  many = tf.tile(images(), [25, 1, 1, 1])
  traced = tf.function(model.importance_weighted_log_prob)
  one, three, ten = (
      traced(many, tf.constant(k), tf.constant([k, 0])).numpy() for k in (1, 3, 10))
  error = np.std(one) / np.sqrt(len(one))
  assert np.mean(three) - np.mean(one) > 3. * error
  assert np.mean(ten) - np.mean(three) > 3. * np.std(three) / np.sqrt(len(three))


def test_memory_of_the_bound_does_not_grow_with_the_draws(model):
  """The draws are a loop in the graph, one after the other."""
  count = lambda k: len(tf.function(
      lambda: model.importance_weighted_log_prob(images(), k, [0, 1])
  ).get_concrete_function().graph.as_graph_def(add_shapes=False).node)
  assert count(2) == count(1000)


def test_user_mistakes(model):
  with pytest.raises(ValueError, match='got float32 of the shape'):
    model.log_prob(tf.cast(images(), tf.float32), noise())
  with pytest.raises(ValueError, match=r'\[N, 8, 8, 1\], got uint8 of the shape \(4, 8, 8\)'):
    model.log_prob(images()[..., 0], noise())
  with pytest.raises(ValueError, match='n_bits must lie between 1 and 8, got 9'):
    distributions.ImageModel(model.distribution, n_bits=9)
  with pytest.raises(ValueError, match='made for 3 bits, the model for 8'):
    distributions.ImageModel(
        model.distribution, dequantizer=distributions.UniformDequantizer(n_bits=3))
  with pytest.raises(ValueError, match='num_draws must be at least 1, got 0'):
    model.importance_weighted_log_prob(images(), 0, [0, 1])


@pytest.mark.parametrize('other', [.5, np.full([8, 8, 1], .5, np.float32),
                                   np.full([1, 8, 8, 1], .5, np.float32),
                                   np.full([5, 8, 8, 1], .5, np.float32)], ids=np.shape)
def test_noise_of_another_shape_is_refused(model, other):
  for call in (model.log_prob, model.bits_per_dim, model.encode, model.initialize):
    with pytest.raises(ValueError, match=r'noise must have the shape \(4, 8, 8, 1\) of the images'):
      call(images(), tf.constant(other))


def test_noise_of_another_shape_is_refused_when_a_graph_runs(model):
  late = tf.function(model.log_prob, input_signature=[
      tf.TensorSpec([None, 8, 8, 1], tf.uint8), tf.TensorSpec(None, tf.float32)])
  np.testing.assert_allclose(
      late(images(), noise()), model.log_prob(images(), noise()), rtol=1e-5)
  with pytest.raises(tf.errors.InvalidArgumentError, match='noise must have the shape'):
    late(images(), noise()[:1])


def _flow(dtype=tf.float32):
  return bijectors.Glow((8, 8, 1), num_levels=1, depth=1, hidden_channels=4, dtype=dtype)


@pytest.mark.parametrize('in_chain', [False, True])
def test_takes_a_flow_alone_and_in_a_chain(in_chain):
  flow = _flow()
  base = tfd.Sample(tfd.Normal(0., 1.), [64])
  distribution = tfd.TransformedDistribution(base, tfb.Chain([flow]) if in_chain else flow)
  model = distributions.ImageModel(distribution)
  x = distributions.dequantize(images(), noise())
  np.testing.assert_allclose(
      model.log_prob(images(), noise()), distribution.log_prob(x) - 64 * math.log(256.), rtol=1e-5)
  np.testing.assert_array_equal(
      model.sample(3, 1., (1, 2)),
      model.quantize(flow.forward(model.sample_latents(3, 1., (1, 2)))))


def test_refuses_a_distribution_without_a_flow():
  with pytest.raises(ValueError, match='ends in, a Glow or another MultiScale; got'):
    distributions.ImageModel(tfd.TransformedDistribution(
        tfd.Sample(tfd.Normal(0., 1.), [8, 8, 1]), tfb.Sigmoid()))


def test_double_precision():
  model = distributions.ImageModel(distributions.flow_distribution(_flow(tf.float64)))
  model.initialize(images(), noise())
  x = distributions.dequantize(images(), tf.cast(noise(), tf.float64))
  log_prob = model.log_prob(images(), noise())
  assert log_prob.dtype == tf.float64
  np.testing.assert_allclose(
      log_prob, model.distribution.log_prob(x) - 64 * math.log(256.), rtol=1e-12)
  assert model.sample(2).dtype == tf.uint8 and model.sample_latents(2).dtype == tf.float64


@pytest.mark.parametrize('temperature', [-.1, float('nan'), float('inf'), np.float32([.5, -1.])])
def test_a_temperature_that_makes_no_sense(model, temperature):
  with pytest.raises(ValueError, match='temperature must be a number of at least 0, got '):
    model.sample(2, temperature)


def test_samples_of_another_base():
  """Of its own mean and spread; the temperature scales the distance from the mean."""
  flow = _flow()
  base = tfd.Sample(tfd.Normal(3., .5), [64])
  model = distributions.ImageModel(tfd.TransformedDistribution(base, flow))
  latents = model.sample_latents(2000, 1., (1, 2)).numpy()
  assert abs(latents.mean() - 3.) < .01 and abs(latents.std() - .5) < .01
  cold = model.sample_latents(2000, .5, (1, 2)).numpy()
  np.testing.assert_allclose(cold - 3., .5 * (latents - 3.), atol=1e-5)
  learned = tfd.Sample(tfd.Normal(tf.Variable(1.), tf.Variable(2.)), [64])
  model = distributions.ImageModel(tfd.TransformedDistribution(learned, flow))
  assert abs(model.sample_latents(2000, 1., (1, 2)).numpy().mean() - 1.) < .05


def test_a_context_passes_through():
  flow = bijectors.Glow((8, 8, 1), num_levels=1, depth=1, hidden_channels=4, context_shape=(3,))
  model = distributions.ImageModel(distributions.flow_distribution(flow))
  context = tf.random.stateless_normal([4, 3], [0, 1])
  model.initialize(images(), noise(), context=context)
  for v in model.trainable_variables:
    v.assign_add(.1 * tf.random.stateless_normal(v.shape, [v.shape.rank or 0, 2]))
  middle = tf.fill([4, 8, 8, 1], .5)
  latents = model.encode(images(), middle, context=context)
  np.testing.assert_array_equal(
      model.quantize(model.decode(latents, context=context)), images())
  density = model.distribution.log_prob(
      distributions.dequantize(images(), noise()),
      bijector_kwargs={flow.name: dict(context=context)})
  np.testing.assert_allclose(
      model.log_prob(images(), noise(), context=context), density - 64 * math.log(256.), rtol=1e-5)
  assert np.any(model.sample(4, context=context) != model.sample(4, context=-context))
  with pytest.raises(ValueError, match='the condition context is missing'):
    model.sample(4)
