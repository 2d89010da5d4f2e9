"""The signatures of a model with classes: the same answers as the Python object."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow import serving
from tfp_glow.demo import served_model

_SEED = tf.constant([3, 4])
_LABELS = tf.constant([2, 0, 1])


@pytest.fixture(name='export', scope='module')
def fixture_export(tmp_path_factory):
  """The model, the export's path and its signatures."""
  config = tiny.make_config()
  config.model.update(depth=1, num_classes=3, condition_couplings=True)
  model = distributions.build_image_model(config.model, tiny.SHAPE)
  images = tiny.make_images(6, 1)
  model.initialize(
      images, distributions.uniform_noise(images.shape, (0, 0)),
      labels=tf.constant([0, 1, 2] * 2))
  random = np.random.RandomState(2)
  for variable in model.trainable_variables:
    variable.assign_add(0.02 * random.randn(*variable.shape).astype(np.float32))
  path = serving.export_model(model, str(tmp_path_factory.mktemp('export')), 3, config)
  loaded = tf.saved_model.load(path)
  yield model, path, loaded.signatures
  del loaded


def _noise(images, draw=0):
  return distributions.noise_of_draw(images.shape, _SEED, draw)


def test_names_and_inputs(export):
  inputs = {name: set(signature.structured_input_signature[1])
            for name, signature in export[2].items()}
  assert inputs == dict(
      log_prob={'images', 'labels', 'noise_draws', 'seed'},
      bits_per_dim={'images', 'labels', 'noise_draws', 'seed'},
      encode={'images', 'labels', 'seed'}, decode={'latents', 'labels'},
      sample={'labels', 'temperature', 'seed'}, classify={'images', 'seed'},
      serving_default={'image_bytes'})


def test_likelihoods(export):
  model, _, signatures = export
  images = tf.constant(tiny.make_images(3))
  draws = np.stack([model.log_prob(images, _noise(images, k), labels=_LABELS) for k in range(2)])
  given = dict(images=images, labels=_LABELS, noise_draws=tf.constant(2), seed=_SEED)
  nats = signatures['log_prob'](**given)
  np.testing.assert_allclose(nats['log_prob'], draws.mean(0), rtol=1e-5)
  bits = signatures['bits_per_dim'](**given)
  for name in ('', 'importance_weighted_'):
    np.testing.assert_allclose(
        bits[f'{name}bits_per_dim'], model.in_bits_per_dim(nats[f'{name}log_prob']), rtol=1e-6)


def test_encode_decode_and_sample(export):
  model, _, signatures = export
  images = tf.constant(tiny.make_images(3))
  latents = signatures['encode'](images=images, labels=_LABELS, seed=_SEED)['latents']
  np.testing.assert_allclose(latents, model.encode(images, _noise(images), labels=_LABELS), atol=1e-4)
  decoded = signatures['decode'](latents=latents, labels=_LABELS)
  np.testing.assert_array_equal(decoded['images'], images)
  samples = signatures['sample'](labels=_LABELS, temperature=tf.constant(.7), seed=_SEED)
  expected = model.sample(3, .7, _SEED, labels=_LABELS)
  assert np.abs(np.int32(samples['images']) - np.int32(expected)).max() <= 1


def test_classify(export):
  model, _, signatures = export
  images = tf.constant(tiny.make_images(3))
  found = signatures['classify'](images=images, seed=_SEED)
  log_probs = model.class_log_probs(images, _noise(images))
  np.testing.assert_allclose(found['class_log_probs'], log_probs, rtol=1e-5)
  np.testing.assert_allclose(
      found['probabilities'], model.class_probabilities(log_probs), rtol=1e-2, atol=1e-5)
  file = tf.io.encode_png(images[0])[tf.newaxis]
  found = signatures['serving_default'](image_bytes=file)
  np.testing.assert_allclose(tf.reduce_sum(found['probabilities']), 1., rtol=1e-5)


@pytest.mark.parametrize('labels, message', [
    ([0, 3, 1], 'labels must lie from 0 to 2'), ([0, -1, 1], 'labels must lie from 0 to 2'),
    ([0, 1], 'labels must be one int32 for each image')])
def test_bad_labels(export, labels, message):
  images = tf.constant(tiny.make_images(3))
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    export[2]['encode'](images=images, labels=tf.constant(labels), seed=_SEED)


def test_load(export):
  model, path, _ = export
  loaded = serving.load(path)
  images = tf.constant(tiny.make_images(3))
  np.testing.assert_array_equal(
      loaded.log_prob(images, _noise(images), labels=_LABELS),
      model.log_prob(images, _noise(images), labels=_LABELS))


def test_the_page_refuses(export):
  with pytest.raises(errors.UserError, match='the page needs a run with model.num_classes=0'):
    served_model.ServedModel(export[1])
