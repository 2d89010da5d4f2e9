"""The export as the page asks it."""

import datetime
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import distributions
from tfp_glow.demo import served_model
from tfp_glow.serving import passes


def _png(image):
  return tf.io.encode_png(image).numpy()


def test_it_answers_as_the_model_does(model):
  image = tiny.make_images(1)[0]
  found = model.read(image)
  assert found.latent.shape == (tiny.SIZE,) == (model.latent_size,)
  assert found.label is None is found.probabilities and not model.classes
  np.testing.assert_array_equal(model.decode(found.latent), image)
  np.testing.assert_allclose(
      model.sample_latent(0.7, 5), tiny.tiny().model.sample_latents(1, 0.7, (0, 5))[0], atol=1e-5)
  served = tiny.call(tiny.signatures(), 'serving_default', image_bytes=[_png(image)])
  assert found.bits_per_dim == pytest.approx(served['bits_per_dim'][0], rel=1e-5)
  assert abs(model.bits_per_dim_given(image[None])[0] - found.bits_per_dim) < .2
  assert model.latent_shapes == [(4, 4, 6), (2, 2, 24)] and model.temperature == 0.7


def test_it_knows_what_it_is(model):
  assert model.name == tiny.tiny().config.dataset.name and model.step == tiny.STEP
  assert model.num_weights == sum(
      v.shape.num_elements() for v in tiny.tiny().model.trainable_variables)
  assert model.trained == tiny.DAY and model.exported == datetime.date.today().isoformat()


def test_with_classes_it_answers_as_the_model_does(classes):
  model, image = tiny.classes().model, tiny.make_images(1, 5)[0]
  noise = passes.own_noise(tf.constant(image[None]))
  served = tiny.call(tiny.class_signatures(), 'serving_default', image_bytes=[_png(image)])
  found = classes.read(image)
  label = found.label
  assert classes.classes == ['cat', 'dog', 'owl']
  assert label == model.likeliest_labels(image[None], noise)[0]
  np.testing.assert_array_equal(classes.decode(found.latent, label), image)
  as_owl = model.quantize(model.decode(found.latent[None], labels=[2]))[0]
  np.testing.assert_array_equal(classes.decode(found.latent, 2), as_owl)
  assert (classes.decode(found.latent, (label + 1) % 3) != image).any()
  np.testing.assert_allclose(
      classes.sample_latent(0.7, 5), model.sample_latents(1, 0.7, (0, 5))[0], atol=1e-5)
  assert found.bits_per_dim == pytest.approx(
      float(model.bits_per_dim(image[None], noise)[0]), rel=1e-5)
  assert found.bits_per_dim == pytest.approx(served['bits_per_dim'][0], rel=1e-5)
  np.testing.assert_allclose(found.probabilities, served['probabilities'][0], atol=1e-5)
  log_probs = model.class_log_probs(image[None], noise)
  np.testing.assert_allclose(
      found.probabilities, model.class_probabilities(log_probs)[0], atol=1e-3)
  noise = distributions.noise_of_draw([1, *tiny.SHAPE], (0, 0), 0)
  assert classes.bits_per_dim_given(image[None], [1])[0] == pytest.approx(
      float(model.bits_per_dim(image[None], noise, labels=[1])[0]), rel=1e-5)


def test_a_folder_whose_name_is_a_pattern(tmp_path):
  path = shutil.copytree(tiny.tiny().path, tmp_path / 'br[1]ack' / '7')
  assert served_model.ServedModel(str(path)).image_shape == tiny.SHAPE
