"""Pictures and charts as HTML."""

import base64
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


def test_what_a_visitor_wrote_stays_text():
  assert markup.message('<script>') == '<p role="alert" class="message">&lt;script&gt;</p>'
  assert not markup.message('')


def test_the_chart_shows_where_a_value_lies():
  values = np.linspace(1., 2., 101)
  place = lambda value: float(re.search('line x1="([0-9.]+)"', markup.bits_chart(value, values))[1])
  assert place(0.) == 0. < place(1.2) < place(1.5) < place(1.8) < place(9.) == 300.
  assert place(1.5) == pytest.approx(150., abs=1.)
  assert '<b>1.500</b> bits/dim, more than 50 % of' in markup.bits_chart(1.501, values).replace(
      '1.501', '1.500')
  assert markup.bits_chart(1.5, None) == '<p id="bits"><b>1.500</b> bits/dim</p>'
  assert 'nan' not in markup.bits_chart(1., np.ones([5]))
