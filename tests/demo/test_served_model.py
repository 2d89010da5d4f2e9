"""The export as the page asks it, and sliders for whatever it holds."""

import concurrent.futures
import copy
import shutil
import threading
import time

import numpy as np
import pytest

from tests.serving import tiny
from tfp_glow import distributions
from tfp_glow.demo import markup
from tfp_glow.demo import page as page_lib
from tfp_glow.demo import position as position_lib
from tfp_glow.demo import served_model
from tfp_glow.demo import upload


@pytest.fixture(scope='module', name='model')
def fixture_model():
  return served_model.ServedModel(tiny.tiny().path)


@pytest.fixture(scope='module', name='classes')
def fixture_classes():
  return served_model.ServedModel(tiny.classes().path)


def test_it_answers_as_the_model_does(model):
  image = tiny.make_images(1)[0]
  latent, label = model.encode(image)
  assert latent.shape == (tiny.SIZE,) == (model.latent_size,)
  assert label is None and not model.classes
  np.testing.assert_array_equal(model.decode(latent), image)
  np.testing.assert_allclose(
      model.sample_latent(0.7, 5), tiny.tiny().model.sample_latents(1, 0.7, (0, 5))[0], atol=1e-5)
  assert 0. < model.bits_per_dim(image) < 20.
  assert model.latent_shapes == [(4, 4, 6), (2, 2, 24)] and model.temperature == 0.7


def test_with_classes_it_answers_as_the_model_does(classes):
  model, image = tiny.classes().model, tiny.make_images(1, 5)[0]
  noise = distributions.noise_of_draw([1, *tiny.SHAPE], (0, 0), 0)
  latent, label = classes.encode(image)
  assert classes.classes == ['cat', 'dog', 'owl']
  assert label == model.likeliest_labels(image[None], noise)[0]
  np.testing.assert_array_equal(classes.decode(latent, label), image)
  np.testing.assert_array_equal(
      classes.decode(latent, 2), model.quantize(model.decode(latent[None], labels=[2]))[0])
  assert (classes.decode(latent, (label + 1) % 3) != image).any()
  np.testing.assert_allclose(
      classes.sample_latent(0.7, 5), model.sample_latents(1, 0.7, (0, 5))[0], atol=1e-5)
  assert classes.bits_per_dim(image) == pytest.approx(
      float(model.bits_per_dim(image[None], noise)[0]), rel=1e-5)


def test_a_class_is_chosen(classes):
  page = page_lib._Page(classes)
  position = page._start()
  latent = classes.sample_latent(classes.temperature, 0)
  image = lambda outputs: outputs[1]
  for label in range(3):
    outputs = page._sample(position, label, classes.temperature, 0)
    assert outputs[4] == outputs[0].label == label
    assert image(outputs) == markup.picture(classes.decode(latent, label), 'Now', 'picture')
    assert page._move(outputs[0], *sliders(page, label=label))[0] == image(outputs)
  # Past the middle of a blend the class is that of the other picture.
  position.other_label = 2
  for blend, label in ((0.5, 1), (0.52, 2)):
    assert page._moved(position, *sliders(page, label=1, blend=blend))[1] == label
  assert page._keep_other(position, *sliders(page, label=1))[0].other_label == 1
  seen = page._arrive_at_image(position, tiny.make_images(1, 5)[0])
  assert seen[4] == classes.encode(tiny.make_images(1, 5)[0])[1]


def test_a_folder_whose_name_is_a_pattern(tmp_path):
  path = shutil.copytree(tiny.tiny().path, tmp_path / 'br[1]ack' / '7')
  assert served_model.ServedModel(str(path)).image_shape == tiny.SHAPE


def sliders(page, **changes):
  """The sliders of a page, all at 0 but for the given ones."""
  values = dict(temperature=0.7, label=None, method='linear', listed=None, blend=0., scales=[0, 0],
                strengths=[0.] * len(page._slider_names), listed_strength=0.)
  values.update(changes)
  return [values['temperature'], values['label'], values['method'], values['listed'],
          values['blend'], *values['scales'], *values['strengths'], values['listed_strength']]


def moved(page, **changes):
  """The latent to which the sliders of a page lead."""
  position = position_lib.Position(*np.zeros([2, tiny.SIZE], np.float32))
  return page._moved(position, *sliders(page, **changes))[0]


def test_attributes_come_before_pairs_and_the_rest_is_in_a_list(model, monkeypatch):
  monkeypatch.setattr(page_lib, '_NUM_SLIDERS', 1)
  page = page_lib._Page(model)
  assert page._slider_names == ['smile'] and page._listed_names == ['hat', 'hat->smile']
  np.testing.assert_allclose(
      moved(page, strengths=[0.5]), 0.5 * model.directions['smile'], atol=1e-6)
  np.testing.assert_allclose(
      moved(page, listed='hat', listed_strength=0.5), 0.5 * model.directions['hat'], atol=1e-6)
  np.testing.assert_array_equal(moved(page, listed=None, listed_strength=0.5), 0.)


def test_a_page_without_directions_and_test_images(model):
  bare = copy.copy(model)
  bare.directions, bare.examples = {}, None
  page = page_lib._Page(bare)
  assert not page._slider_names and not page._listed_names
  np.testing.assert_array_equal(moved(page), 0.)


def test_uploads_are_decoded_one_at_a_time(model, monkeypatch):
  page = page_lib._Page(model)
  inside, most = [], []

  def read_picture(*unused):
    inside.append(threading.get_ident())
    most.append(len(inside))
    time.sleep(0.01)
    inside.pop()
    raise upload.UploadError('no picture')

  monkeypatch.setattr(upload, 'read_picture', read_picture)
  with concurrent.futures.ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda _: page._read_upload(None, 'text'), range(16)))
  assert most == [1] * 16 and all('no picture' in answer[3] for answer in answers)
