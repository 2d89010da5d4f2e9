"""The exported signatures: the same answers as the Python object, and errors for bad input."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import distributions
from tfp_glow.serving import definitions
from tfp_glow.serving import passes

DTYPES = dict(
    images=tf.uint8, other_images=tf.uint8, latents=tf.float32, seed=tf.int32, num=tf.int32,
    noise_draws=tf.int32, temperature=tf.float32, strength=tf.float32, vector=tf.float32,
    direction=tf.string, image_bytes=tf.string)
SHAPES = dict(
    images=[None, *tiny.SHAPE], other_images=[None, *tiny.SHAPE], latents=[None, tiny.SIZE],
    seed=[2], num=[], noise_draws=[], temperature=[], strength=[], vector=[tiny.SIZE],
    direction=[], image_bytes=[None])
INPUTS = dict(
    log_prob={'images', 'noise_draws', 'seed'}, bits_per_dim={'images', 'noise_draws', 'seed'},
    encode={'images', 'seed'}, decode={'latents'}, sample={'num', 'temperature', 'seed'},
    interpolate={'images', 'other_images', 'num'},
    manipulate={'images', 'direction', 'strength'},
    manipulate_vector={'images', 'vector', 'strength'}, serving_default={'image_bytes'})
OUTPUTS = dict(
    log_prob={'log_prob', 'importance_weighted_log_prob'},
    bits_per_dim={'bits_per_dim', 'importance_weighted_bits_per_dim'},
    encode={'latents'}, decode={'images', 'unrounded_images'}, sample={'images', 'latents'},
    interpolate={'images'}, manipulate={'images', 'latents'},
    manipulate_vector={'images', 'latents'}, serving_default={'bits_per_dim'})
SEED = (3, 4)


@pytest.fixture(name='model')
def fixture_model():
  return tiny.tiny().model


def call(name, **inputs):
  """The outputs of a signature, as arrays."""
  dtypes = {key: DTYPES[key].as_numpy_dtype for key in inputs}
  return tiny.call(tiny.signatures(), name, **{
      key: np.asarray(value, dtypes[key]) for key, value in inputs.items()})


def middle(images):
  return np.full(images.shape, .5, np.float32)


def assert_same_images(actual, expected):
  """Equal but for values that rounding put on either side of a level."""
  difference = np.abs(np.int32(actual) - np.int32(expected))
  assert difference.max() <= 1 and (difference > 0).mean() < 0.001


def test_inputs_and_outputs_are_named_and_typed_everywhere_the_same():
  stated = definitions.read(tiny.tiny().path)
  assert set(stated) == set(INPUTS) == set(tiny.signatures())
  for name, definition in stated.items():
    assert set(definition.inputs) == INPUTS[name]
    for key, info in definition.inputs.items():
      assert info.dtype == DTYPES[key].as_datatype_enum
      assert tf.TensorShape(info.tensor_shape).as_list() == SHAPES[key], (name, key)
    assert set(definition.outputs) == OUTPUTS[name]
    assert set(tiny.signatures()[name].structured_input_signature[1]) == INPUTS[name]


@pytest.mark.parametrize('num', [1, 5])
def test_log_prob_is_the_mean_over_the_draws_of_noise(model, num):
  images = tiny.make_images(num)
  draws = np.stack([
      model.log_prob(images, distributions.noise_of_draw(images.shape, SEED, draw))
      for draw in range(3)])
  actual = call('log_prob', images=images, noise_draws=3, seed=SEED)
  np.testing.assert_allclose(actual['log_prob'], draws.mean(0), rtol=1e-5)
  weighted = np.log(np.mean(np.exp(draws - draws.max(0)), 0)) + draws.max(0)
  np.testing.assert_allclose(actual['importance_weighted_log_prob'], weighted, rtol=1e-5)
  assert (weighted > draws.mean(0)).all()


def test_bits_per_dim(model):
  images = tiny.make_images(4)
  expected = model.bits_per_dim(images, distributions.noise_of_draw(images.shape, SEED, 0))
  actual = call('bits_per_dim', images=images, noise_draws=1, seed=SEED)
  for value in actual.values():
    np.testing.assert_allclose(value, expected, atol=1e-4)
  nats = call('log_prob', images=images, noise_draws=1, seed=SEED)['log_prob']
  np.testing.assert_allclose(
      actual['bits_per_dim'], -nats / (tiny.SIZE * math.log(2.)), rtol=1e-5)


def test_encode_and_decode_are_those_of_the_model(model):
  images = tiny.make_images(4)
  latents = call('encode', images=images, seed=SEED)['latents']
  noise = distributions.noise_of_draw(images.shape, SEED, 0)
  np.testing.assert_allclose(latents, model.encode(images, noise), atol=1e-4)
  decoded = call('decode', latents=latents)
  np.testing.assert_array_equal(decoded['images'], images)
  np.testing.assert_allclose(decoded['unrounded_images'], model.decode(latents), atol=1e-4)


def test_sample_is_the_same_in_python_in_the_graph_and_under_xla(model):
  num, temperature = tf.constant(4), tf.constant(0.8)
  expected = model.sample(4, 0.8, SEED)
  served = call('sample', num=4, temperature=0.8, seed=SEED)
  assert_same_images(served['images'], expected)
  np.testing.assert_allclose(served['latents'], model.sample_latents(4, 0.8, SEED), atol=1e-5)
  compiled = tf.function(
      lambda: tiny.signatures()['sample'](
          num=num, temperature=temperature, seed=tf.constant(SEED)), jit_compile=True)()
  assert_same_images(compiled['images'].numpy(), expected)
  np.testing.assert_allclose(compiled['latents'], served['latents'], atol=1e-5)
  other = call('sample', num=4, temperature=0.8, seed=(3, 5))
  assert np.abs(other['latents'] - served['latents']).max() > 1.


def test_temperature_0_gives_one_image():
  images = call('sample', num=3, temperature=0., seed=SEED)['images']
  np.testing.assert_array_equal(images, images[:1].repeat(3, 0))


def test_interpolate_begins_and_ends_with_the_images(model):
  images, others = tiny.make_images(3), tiny.make_images(3, 9)
  path = call('interpolate', images=images, other_images=others, num=5)['images']
  assert path.shape == (3, 5, *tiny.SHAPE)
  np.testing.assert_array_equal(path[:, 0], images)
  np.testing.assert_array_equal(path[:, -1], others)
  start, end = model.encode(images, middle(images)), model.encode(others, middle(others))
  assert_same_images(path[:, 2], model.quantize(model.decode(0.5 * (start + end))))


@pytest.mark.parametrize('name', ['smile', 'hat->smile'])
def test_manipulate_moves_along_the_named_direction(model, name):
  images = tiny.make_images(3)
  vector = tiny.tiny().directions[name]
  expected = model.encode(images, middle(images)) + 0.3 * vector
  by_name = call('manipulate', images=images, direction=name, strength=0.3)
  by_vector = call('manipulate_vector', images=images, vector=vector, strength=0.3)
  for actual in (by_name, by_vector):
    np.testing.assert_allclose(actual['latents'], expected, atol=1e-4)
    assert_same_images(actual['images'], model.quantize(model.decode(expected)))
  assert np.abs(np.int32(by_name['images']) - images).max() > 1


def test_manipulate_by_0_gives_the_image_back():
  images = tiny.make_images(3)
  actual = call('manipulate', images=images, direction='hat', strength=0.)
  np.testing.assert_array_equal(actual['images'], images)


def test_serving_default_takes_files():
  images = tiny.make_images(2)
  files = [tf.io.encode_png(image).numpy() for image in images]
  expected = tiny.tiny().model.bits_per_dim(images, passes.own_noise(tf.constant(images)))
  actual = call('serving_default', image_bytes=files)['bits_per_dim']
  np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_a_file_gets_one_answer_whatever_comes_with_it():
  """A server merges requests to batches; in the noise of another place they differ by 0.01."""
  files = [tf.io.encode_png(image).numpy() for image in tiny.make_images(9)]
  together = call('serving_default', image_bytes=files)['bits_per_dim']
  turned = call('serving_default', image_bytes=files[::-1])['bits_per_dim'][::-1]
  alone = [call('serving_default', image_bytes=[file])['bits_per_dim'][0] for file in files]
  np.testing.assert_allclose(turned, together, atol=1e-5)
  np.testing.assert_allclose(alone, together, atol=1e-5)
  same = call('serving_default', image_bytes=[files[0]] * 3)['bits_per_dim']
  np.testing.assert_array_equal(same, [same[0]] * 3)


