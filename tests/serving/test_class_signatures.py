"""The signatures of a model with classes: the same answers as the Python object."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow import serving
from tfp_glow.demo import served_model
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
  inputs = {name: set(definition.inputs)
            for name, definition in definitions.read(tiny.classes().path).items()}
  assert inputs == dict(
      log_prob={'images', 'labels', 'noise_draws', 'seed'},
      bits_per_dim={'images', 'labels', 'noise_draws', 'seed'},
      encode={'images', 'labels', 'seed'}, decode={'latents', 'labels'},
      sample={'labels', 'temperature', 'seed'}, classify={'images', 'seed'},
      serving_default={'image_bytes'})


def test_likelihoods(model):
  draws = np.stack([model.log_prob(_IMAGES, _noise(k), labels=_LABELS) for k in range(2)])
  given = dict(images=_IMAGES, labels=_LABELS, noise_draws=np.int32(2), seed=_SEED)
  nats = call('log_prob', **given)
  np.testing.assert_allclose(nats['log_prob'], draws.mean(0), rtol=1e-5)
  bits = call('bits_per_dim', **given)
  for name in ('', 'importance_weighted_'):
    np.testing.assert_allclose(
        bits[f'{name}bits_per_dim'], model.in_bits_per_dim(nats[f'{name}log_prob']), rtol=1e-6)


def test_encode_decode_and_sample(model):
  latents = call('encode', images=_IMAGES, labels=_LABELS, seed=_SEED)['latents']
  np.testing.assert_allclose(
      latents, model.encode(_IMAGES, _noise(), labels=_LABELS), atol=1e-4)
  decoded = call('decode', latents=latents, labels=_LABELS)
  np.testing.assert_array_equal(decoded['images'], _IMAGES)
  samples = call('sample', labels=_LABELS, temperature=np.float32(.7), seed=_SEED)
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
  found = call('serving_default', image_bytes=files)['class_log_probs']
  noise = passes.own_noise(tf.constant(_IMAGES))
  np.testing.assert_allclose(found, model.class_log_probs(_IMAGES, noise), rtol=1e-5)
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
    call('encode', images=_IMAGES, labels=np.int32(labels), seed=_SEED)


def test_a_request_for_too_much_work():
  with pytest.raises(tf.errors.InvalidArgumentError,
                     match=r'images x noise_draws must be at most 16384 .*\] \[20 1000\]'):
    call('log_prob', images=tiny.make_images(20), labels=np.zeros([20], np.int32),
         noise_draws=np.int32(1000), seed=_SEED)


def test_load(model):
  loaded = serving.load(tiny.classes().path)
  np.testing.assert_array_equal(
      loaded.log_prob(_IMAGES, _noise(), labels=_LABELS),
      model.log_prob(_IMAGES, _noise(), labels=_LABELS))


def test_the_page_refuses():
  with pytest.raises(errors.UserError, match='the page needs a run with model.num_classes=0'):
    served_model.ServedModel(tiny.classes().path)
