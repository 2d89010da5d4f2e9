"""What the page's functions do with the controls, for whatever a model holds; without a browser."""

import concurrent.futures
import copy
import re
import threading
import time
import types

import gradio as gr
import numpy as np
import pytest

from tests.serving import tiny
from tfp_glow.demo import markup
from tfp_glow.demo import page as page_lib
from tfp_glow.demo import position as position_lib
from tfp_glow.demo import served_model
from tfp_glow.demo import upload


def controls(page, **changes):
  """The controls of a page, none of them moved but those given."""
  values = dict(temperature=0.7, label=None, method='linear', listed=None, blend=0., scales=[0, 0],
                strengths=[0.] * len(page._slider_names), listed_strength=0.)
  values.update(changes)
  return [values['temperature'], values['label'], values['method'], values['listed'],
          values['blend'], *values['scales'], *values['strengths'], values['listed_strength']]


def moved(page, position, **changes):
  """Where the controls of a page lead: the latent and the label."""
  return page._moved(position, page._moves(controls(page, **changes)))


def source(text):
  """The picture that stands in HTML."""
  return re.search('src="([^"]*)"', text)[1]


def test_attributes_come_before_pairs_and_the_rest_is_in_a_list(model, monkeypatch):
  monkeypatch.setattr(page_lib, '_NUM_SLIDERS', 1)
  page = page_lib._Page(model)
  assert page._slider_names == ['smile'] and page._listed_names == ['hat', 'hat->smile']
  at_0 = position_lib.Position(*np.zeros([2, tiny.SIZE], np.float32))
  np.testing.assert_allclose(
      moved(page, at_0, strengths=[0.5])[0], 0.5 * model.directions['smile'], atol=1e-6)
  np.testing.assert_allclose(moved(page, at_0, listed='hat', listed_strength=0.5)[0],
                             0.5 * model.directions['hat'], atol=1e-6)
  np.testing.assert_array_equal(moved(page, at_0, listed=None, listed_strength=0.5)[0], 0.)
  # An address moves the sliders to where it was written.
  for changes in (dict(strengths=[0.5], scales=[3, 0]), dict(listed='hat', listed_strength=-1.5),
                  dict(temperature=0.3, blend=0.5)):
    wanted = controls(page, **changes)
    query = page_lib.address.write(page._at_sample(at_0, 4, None, 0.7), page._moves(wanted))
    outputs = page._open_address(at_0, '?' + query)
    assert outputs[0].seed == 4
    found = outputs[-len(wanted):]
    assert [found[0], *found[3:]] == [wanted[0], *wanted[3:]]


def test_a_page_without_directions_and_test_images(model):
  bare = copy.copy(model)
  bare.directions, bare.examples = {}, None
  page = page_lib._Page(bare)
  assert not page._slider_names and not page._listed_names
  at_0 = position_lib.Position(*np.zeros([2, tiny.SIZE], np.float32))
  np.testing.assert_array_equal(moved(page, at_0)[0], 0.)


def test_a_sample_follows_its_temperature(model):
  page = page_lib._Page(model)
  position = page._at_sample(page._start, 5, None, 0.7)
  np.testing.assert_allclose(moved(page, position, temperature=0.35)[0],
                             0.5 * moved(page, position)[0], atol=1e-6)
  image = page._at_test(position, 2)
  np.testing.assert_array_equal(moved(page, image, temperature=0.1)[0], moved(page, image)[0])


def test_a_class_is_chosen(classes):
  page = page_lib._Page(classes)
  start = page._start
  pictures = set()
  for label in range(3):
    outputs = page._sample(start, 0, *controls(page, label=label))
    assert outputs[0].label == outputs[6] == label
    image = classes.decode(classes.sample_latent(0.7, 0), label)
    assert source(outputs[1]) == source(markup.picture(image, '', ''))
    # The class moves with the latent staying where it is.
    sample = page._sample(start, 0, *controls(page, label=1))
    first, last = page._move(outputs[0], *controls(page, label=1))
    assert source(first[0]) == source(last[0]) == source(sample[1])
    assert first[1:] == (gr.skip(), gr.skip()) and last[2] == sample[3]
    assert 'The model takes it for: ' in outputs[2]
    pictures.add(source(outputs[1]))
  assert len(pictures) == 3
  assert page._keep_other(start, *controls(page, label=2))[0].other_label == 2
  image = tiny.make_images(1, 5)[0]
  assert page._of_image(image, start.other, 0).label == classes.read(image).label


def test_a_class_stands_in_the_address(classes):
  page = page_lib._Page(classes)
  picked = page._pick(page._start, types.SimpleNamespace(pick='seed=3&class=2'))
  assert (picked[0].seed, picked[0].label, picked[6]) == (3, 2, 2)
  assert 'data-address="seed=3&amp;class=2&amp;temperature=0.7"' in picked[1]
  assert page._walls.num_seeds == 3 and page._wall.value.count('data-pick') == 9
  assert 'aria-label="Sample 2, class owl"' in page._wall.value
  assert 'aria-label="Test image 4, class dog"' in page._test_wall.value
  # A class of the address is one that the control was moved to; an image has its own.
  assert page._open_address(page._start, 'seed=3')[6] == 0


@pytest.mark.parametrize('query', ['', '?x=1', 'seed=9&class=0', 'image=77'])
def test_an_address_of_nothing_changes_nothing(model, query):
  page = page_lib._Page(model)
  outputs = page._open_address(page._start, query)
  assert len(outputs) == len(page._outputs())
  is_told = 'seed' in query or 'image' in query
  assert outputs[4] == gr.skip() if not is_told else 'role="alert"' in outputs[4]
  assert outputs[:4] == [gr.skip()] * 4


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
  assert most == [1] * 16 and all('no picture' in answer[4] for answer in answers)
