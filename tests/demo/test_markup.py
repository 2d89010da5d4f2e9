"""Pictures and charts as HTML."""

import base64
import copy
import io
import re

import numpy as np
from PIL import Image
import pytest

from tests.serving import tiny
from tfp_glow.demo import markup


@pytest.mark.parametrize('channels', [1, 3])
def test_a_picture_holds_its_pixels(channels):
  image = tiny.make_images(1)[0, ..., :channels]
  text = markup.picture(image, 'A <picture>', 'here')
  assert 'A &lt;picture&gt;' in text and '<picture>' not in text
  data = re.search('base64,([^"]*)"', text).group(1)
  pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
  np.testing.assert_array_equal(pixels.reshape(image.shape), image)


@pytest.mark.parametrize('trained, exported, text', [
    ('2026-01-31', '2026-02-28', 'trained for 7 steps, until 2026-01-31</p>'),
    (None, '2026-02-28', 'trained for 7 steps · exported 2026-02-28</p>'),
    (None, None, 'trained for 7 steps</p>')])
def test_the_title_has_the_day_of_the_training(model, trained, exported, text):
  old = copy.copy(model)
  old.trained, old.exported = trained, exported
  assert markup.title(old).endswith(text)


def test_what_a_visitor_wrote_stays_text():
  assert markup.message('<script>') == '<p role="alert" class="message">&lt;script&gt;</p>'
  assert not markup.message('')


def test_the_chart_shows_where_a_value_lies():
  values = np.linspace(1., 2., 101)
  place = lambda value: float(re.search('line x1="([0-9.]+)"', markup.bits_chart(value, values))[1])
  assert place(0.) == 0. < place(1.2) < place(1.5) < place(1.8) < place(9.) == 300.
  assert place(1.5) == pytest.approx(150., abs=1.)
  assert '<b>1.500</b> bits/dim: usual, rarer than 50 % of' in markup.bits_chart(
      1.501, values).replace('1.501', '1.500')
  assert markup.bits_chart(1.5, None) == (
      '<p id="bits"><b>1.500</b> bits/dim: the fewer, the likelier</p>')
  assert 'nan' not in markup.bits_chart(1., np.ones([5]))


@pytest.mark.parametrize('value, word', [
    (0.9, 'plainer than most'), (1.1, 'usual'), (1.985, 'unusual'), (2.1, 'very unusual')])
def test_a_value_has_a_word(value, word):
  assert f'bits/dim: {word}, rarer than' in markup.bits_chart(value, np.linspace(1., 2., 101))


def test_a_wall_has_a_button_for_each_cell():
  images = tiny.make_images(2, shape=(200, 100, 3))
  text = markup.wall([('seed=0', images[0], 'A "1"'), ('seed=1', images[1], 'B')], 2,
                     ['<one>', 'two'])
  assert re.findall('data-pick="([^"]*)"', text) == ['seed=0', 'seed=1']
  assert 'aria-label="A &quot;1&quot;"' in text and '&lt;one&gt;' in text and '<one>' not in text
  data = re.search('base64,([^"]*)"', text).group(1)
  assert Image.open(io.BytesIO(base64.b64decode(data))).size == (32, 64)


def test_guesses_are_the_likeliest_classes():
  assert markup.guesses(['a', 'b', '<c>', 'd'], np.array([0.03, 0.001, 0.96, 0.009])) == (
      '<p id="guesses">The model takes it for: &lt;c&gt; (96 %), a (3 %), d (1 %)</p>')


@pytest.mark.parametrize('scale, num, share, text', [
    (0, 2, 0.25, 'Scale 1, finest: +0.100 bits/dim; usual, more than 25 % of the test images'),
    (1, 2, None, 'Scale 2, coarsest: +0.100 bits/dim<'), (0, 1, None, 'Scale 1: +0.100 bits/dim<')])
def test_a_map_says_what_it_shows(scale, num, share, text):
  assert text in markup.scale_map(np.zeros([2, 2, 3], np.uint8), scale, num, 0.1, share)
