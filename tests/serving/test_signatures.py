"""The exported signatures: the same answers as the Python object, and errors for bad input."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import distributions

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
  inputs = {key: tf.constant(value, DTYPES[key]) for key, value in inputs.items()}
  return {key: value.numpy() for key, value in tiny.signatures()[name](**inputs).items()}


def middle(images):
  return np.full(images.shape, .5, np.float32)


def assert_same_images(actual, expected):
  """Equal but for values that rounding put on either side of a level."""
  difference = np.abs(np.int32(actual) - np.int32(expected))
  assert difference.max() <= 1 and (difference > 0).mean() < 0.001


def test_inputs_and_outputs_are_named_and_typed_everywhere_the_same():
  signatures = tiny.signatures()
  assert set(signatures) == set(INPUTS)
  for name, signature in signatures.items():
    specs = signature.structured_input_signature[1]
    assert set(specs) == INPUTS[name]
    for key, spec in specs.items():
      assert spec.dtype == DTYPES[key] and spec.shape.as_list() == SHAPES[key], (name, key)
    assert set(signature.structured_outputs) == OUTPUTS[name]


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
  expected = call('bits_per_dim', images=images, noise_draws=1, seed=(0, 0))['bits_per_dim']
  actual = call('serving_default', image_bytes=files)['bits_per_dim']
  np.testing.assert_allclose(actual, expected, atol=1e-5)


IMAGES = tiny.make_images(2)
LATENTS = np.zeros([2, tiny.SIZE], np.float32)
BAD_VALUES = [
    ('encode', dict(images=IMAGES[:0], seed=SEED),
     r'images must be uint8 of the shape \[N, 8, 8, 3\] with N of at least 1; received\] \[0 8 8'),
    ('bits_per_dim', dict(images=IMAGES[:0], noise_draws=1, seed=SEED), 'images must be'),
    ('bits_per_dim', dict(images=IMAGES, noise_draws=0, seed=SEED),
     r'noise_draws must be an int32 from 1 to 1024; received\] \[0\]'),
    ('log_prob', dict(images=IMAGES, noise_draws=1025, seed=SEED), 'noise_draws must be'),
    ('decode', dict(latents=LATENTS[:0]), 'latents must be float32 of the shape'),
    ('decode', dict(latents=LATENTS + np.nan),
     r'latents must be finite; values that are NaN or infinite; received\] \[384\]'),
    ('decode', dict(latents=LATENTS + np.inf), 'latents must be finite'),
    ('decode', dict(latents=LATENTS + 3e38), 'latents lie too far from 0 to be decoded'),
    ('sample', dict(num=0, temperature=1., seed=SEED), 'num must be an int32 from 1 to 1024'),
    ('sample', dict(num=10**6, temperature=1., seed=SEED), 'num must be'),
    ('sample', dict(num=2, temperature=-0.1, seed=SEED),
     r'temperature must be finite and at least 0; received\] \[-0.1\]'),
    ('sample', dict(num=2, temperature=math.nan, seed=SEED), 'temperature must be'),
    ('interpolate', dict(images=IMAGES, other_images=IMAGES[:1], num=3),
     r'images and other_images must be equally many; received\] \[2 1\]'),
    ('interpolate', dict(images=IMAGES, other_images=IMAGES, num=1), 'num must be an int32 from 2'),
    ('manipulate', dict(images=IMAGES, direction='frown', strength=1.),
     r'the directions are: smile, hat, hat->smile; received\] \[frown\]'),
    ('manipulate', dict(images=IMAGES, direction='smile', strength=math.inf),
     'strength must be finite'),
    ('manipulate_vector', dict(images=IMAGES, vector=LATENTS[0] + np.nan, strength=1.),
     'vector must be finite'),
    ('serving_default', dict(image_bytes=[b'no picture']), 'Unknown image file format'),
    ('serving_default', dict(image_bytes=[]), 'image_bytes must hold at least one file'),
]


@pytest.mark.parametrize('name, inputs, message', BAD_VALUES)
def test_bad_values_are_named_in_the_error(name, inputs, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    call(name, **inputs)


@pytest.mark.parametrize('name, inputs', [
    ('encode', dict(images=tf.zeros([2, 4, 8, 3], tf.uint8), seed=tf.constant(SEED))),
    ('encode', dict(images=tf.zeros([2, 8, 8, 3]), seed=tf.constant(SEED))),
    ('decode', dict(latents=tf.zeros([2, 5]))),
    ('sample', dict(num=tf.constant(2.), temperature=tf.constant(1.), seed=tf.constant(SEED))),
])
def test_python_refuses_other_shapes_and_dtypes(name, inputs):
  with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
    tiny.signatures()[name](**inputs)


@pytest.mark.parametrize('name, output, inputs, message', [
    ('encode', 'latents', dict(images=np.zeros([2, 4, 8, 3], np.uint8), seed=np.int32(SEED)),
     r'images must be uint8 of the shape \[N, 8, 8, 3\] with N of at least 1; received\] \[2 4 8'),
    ('encode', 'latents', dict(images=np.zeros([2, 4, 16, 3], np.uint8), seed=np.int32(SEED)),
     r'images must be'),
    ('decode', 'images', dict(latents=np.zeros([2, 96], np.float32)), 'latents must be float32'),
    ('manipulate_vector', 'images', dict(
        images=IMAGES, vector=np.zeros([1], np.float32), strength=np.float32(1.)),
     'vector must be float32'),
])
def test_the_graph_itself_refuses_other_shapes(name, output, inputs, message):
  """As a C client or a server would meet it: there nothing else compares the shapes."""
  with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    definition = tf.compat.v1.saved_model.load(
        session, ['serve'], tiny.tiny().path).signature_def[name]
    output_of = lambda info: session.graph.get_tensor_by_name(info.name)._as_tf_output()
    feeds = {output_of(definition.inputs[key]): value for key, value in inputs.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      session._call_tf_sessionrun(
          None, feeds, [output_of(definition.outputs[output])], [], None)
