"""The signatures of a model with classes: the same answers as the Python object."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import distributions
from tfp_glow import serving
from tfp_glow.serving import definitions
from tfp_glow.serving import passes

_SEED = np.int32([3, 4])
_LABELS = np.int32([2, 0, 1])
_IMAGES = tiny.make_images(3)


@pytest.fixture(name='model')
def fixture_model():
  return tiny.classes().model


def call(name, **inputs):
  return tiny.call(tiny.class_signatures(), name, **inputs)


def _noise(draw=0):
  return distributions.noise_of_draw(_IMAGES.shape, _SEED, draw)


def test_names_and_inputs():
  """Those of a model without classes, but that decode needs labels, and more."""
  inputs = {name: set(definition.inputs)
            for name, definition in definitions.read(tiny.classes().path).items()}
  expected = {name: set(definition.inputs)
              for name, definition in definitions.read(tiny.tiny().path).items()}
  expected.update(
      decode={'latents', 'labels'}, classify={'images', 'seed'},
      log_prob_given_label={'images', 'labels', 'noise_draws', 'seed'},
      bits_per_dim_given_label={'images', 'labels', 'noise_draws', 'seed'},
      encode_given_label={'images', 'labels', 'seed'},
      sample_given_label={'labels', 'temperature', 'seed'})
  assert inputs == expected


def test_the_description_names_the_classes_and_examples_have_labels():
  export = serving.Export(tiny.classes().path)
  assert export.read_description()['classes'] == ['cat', 'dog', 'owl']
  assert serving.Export(tiny.tiny().path).read_description()['classes'] == []
  np.testing.assert_array_equal(export.read_examples().labels, [0, 1, 2, 0, 1, 2])
  assert serving.Export(tiny.tiny().path).read_examples().labels is None


@pytest.mark.parametrize('suffix, labels', [('', {}), ('_given_label', dict(labels=_LABELS))])
def test_likelihoods(model, suffix, labels):
  draws = np.stack([model.log_prob(_IMAGES, _noise(k), **labels) for k in range(2)])
  given = dict(images=_IMAGES, noise_draws=np.int32(2), seed=_SEED, **labels)
  nats = call(f'log_prob{suffix}', **given)
  np.testing.assert_allclose(nats['log_prob'], draws.mean(0), rtol=1e-5)
  weighted = np.logaddexp.reduce(np.float64(draws), 0) - np.log(2.)
  np.testing.assert_allclose(nats['importance_weighted_log_prob'], weighted, rtol=1e-5)
  bits = call(f'bits_per_dim{suffix}', **given)
  for name in ('', 'importance_weighted_'):
    np.testing.assert_allclose(
        bits[f'{name}bits_per_dim'], model.in_bits_per_dim(nats[f'{name}log_prob']), rtol=1e-6)


def test_without_labels_images_are_of_their_likeliest_class(model):
  found = call('encode', images=_IMAGES, seed=_SEED)
  np.testing.assert_array_equal(found['labels'], model.likeliest_labels(_IMAGES, _noise()))
  np.testing.assert_allclose(found['latents'], model.encode(_IMAGES, _noise()), atol=1e-4)
  np.testing.assert_array_equal(call('decode', **found)['images'], _IMAGES)


def test_samples_without_labels_are_of_p_x(model):
  found = call('sample', num=np.int32(6), temperature=np.float32(.7), seed=_SEED)
  np.testing.assert_array_equal(found['labels'], model.sample_labels(6, _SEED))
  expected = model.sample(6, .7, _SEED)
  assert np.abs(np.int32(found['images']) - np.int32(expected)).max() <= 1
  again = call('sample_given_label', labels=found['labels'], temperature=np.float32(.7), seed=_SEED)
  np.testing.assert_allclose(again['latents'], found['latents'], atol=1e-6)


def test_interpolate_changes_the_class_in_the_middle(model):
  others, middle = tiny.make_images(3, 9), np.full(_IMAGES.shape, .5, np.float32)
  found = call('interpolate', images=_IMAGES, other_images=others, num=np.int32(5))
  first, last = (model.likeliest_labels(x, middle).numpy() for x in (_IMAGES, others))
  assert np.any(first != last)
  np.testing.assert_array_equal(found['labels'], np.stack([first] * 3 + [last] * 2, 1))
  np.testing.assert_array_equal(found['images'][:, 0], _IMAGES)
  np.testing.assert_array_equal(found['images'][:, -1], others)
  latents = .25 * model.encode(_IMAGES, middle) + .75 * model.encode(others, middle)
  expected = model.quantize(model.decode(latents, labels=last))
  assert np.abs(np.int32(found['images'][:, 3]) - np.int32(expected)).max() <= 1


def test_manipulate_keeps_the_class(model):
  middle, vector = np.full(_IMAGES.shape, .5, np.float32), tiny.classes().directions['smile']
  found = call('manipulate', images=_IMAGES, direction=np.array('smile', object),
               strength=np.float32(.3))
  labels = model.likeliest_labels(_IMAGES, middle)
  np.testing.assert_array_equal(found['labels'], labels)
  latents = model.encode(_IMAGES, middle, labels=labels) + .3 * vector
  np.testing.assert_allclose(found['latents'], latents, atol=1e-4)
  expected = model.quantize(model.decode(latents, labels=labels))
  assert np.abs(np.int32(found['images']) - np.int32(expected)).max() <= 1


def test_encode_decode_and_sample(model):
  latents = call('encode_given_label', images=_IMAGES, labels=_LABELS, seed=_SEED)['latents']
  np.testing.assert_allclose(
      latents, model.encode(_IMAGES, _noise(), labels=_LABELS), atol=1e-4)
  decoded = call('decode', latents=latents, labels=_LABELS)
  np.testing.assert_array_equal(decoded['images'], _IMAGES)
  samples = call(
      'sample_given_label', labels=_LABELS, temperature=np.float32(.7), seed=_SEED)
  expected = model.sample(3, .7, _SEED, labels=_LABELS)
  assert np.abs(np.int32(samples['images']) - np.int32(expected)).max() <= 1


def test_classify(model):
  found = call('classify', images=_IMAGES, seed=_SEED)
  log_probs = model.class_log_probs(_IMAGES, _noise())
  np.testing.assert_allclose(found['class_log_probs'], log_probs, rtol=1e-5)
  np.testing.assert_allclose(
      found['probabilities'], model.class_probabilities(log_probs), rtol=1e-2, atol=1e-5)


def test_classify_files_whatever_comes_with_them(model):
  files = [tf.io.encode_png(image).numpy() for image in _IMAGES]
  answer = call('serving_default', image_bytes=files)
  noise, found = passes.own_noise(tf.constant(_IMAGES)), answer['class_log_probs']
  np.testing.assert_allclose(found, model.class_log_probs(_IMAGES, noise), rtol=1e-5)
  np.testing.assert_allclose(answer['bits_per_dim'], model.bits_per_dim(_IMAGES, noise), rtol=1e-5)
  np.testing.assert_allclose(
      answer['probabilities'], model.class_probabilities(found), rtol=1e-4, atol=1e-6)
  alone = call('serving_default', image_bytes=files[-1:])['class_log_probs']
  np.testing.assert_allclose(alone[0], found[-1], rtol=1e-5)


_RANGE = r'labels must be int32 \[N\] with N from 1 to 1024, each from 0 to 2; received'


@pytest.mark.parametrize('labels, message', [
    ([0, 3, 1], rf'{_RANGE}\] \[3\]'), ([0, 1, -1], rf'{_RANGE}\] \[-1\]'),
    ([0, 1], r'labels must be one for each image; received labels and images\] \[2 3\]'),
    ([[0, 1, 2]], rf'{_RANGE} the shape\] \[1 3\]'), (0, rf'{_RANGE} the shape\] \[\]'),
    (np.zeros([0]), rf'{_RANGE} the shape\] \[0\]')])
def test_bad_labels(labels, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    call('encode_given_label', images=_IMAGES, labels=np.int32(labels), seed=_SEED)


def test_a_request_for_too_much_work():
  with pytest.raises(tf.errors.InvalidArgumentError,
                     match=r'images x noise_draws must be at most 16384 .*\] \[20 1000\]'):
    call('log_prob_given_label', images=tiny.make_images(20), labels=np.zeros([20], np.int32),
         noise_draws=np.int32(1000), seed=_SEED)
  with pytest.raises(tf.errors.InvalidArgumentError,
                     match=r'images x noise_draws x classes must be at most 16384 .*\[6 1000 3\]'):
    call('log_prob', images=tiny.make_images(6), noise_draws=np.int32(1000), seed=_SEED)


def test_load(model):
  loaded = serving.load(tiny.classes().path)
  np.testing.assert_array_equal(
      loaded.log_prob(_IMAGES, _noise(), labels=_LABELS),
      model.log_prob(_IMAGES, _noise(), labels=_LABELS))
