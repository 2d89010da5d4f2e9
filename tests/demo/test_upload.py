"""Files that visitors send."""

import base64
import io

import numpy as np
from PIL import Image
import pytest

from tests.serving import tiny
from tfp_glow.demo import upload


def encoded(image, kind='PNG', **options):
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, format=kind, **options)
  return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize('kind', ['PNG', 'BMP'])
def test_a_picture_of_the_right_size_comes_as_it_is(kind):
  image = tiny.make_images(1)[0]
  np.testing.assert_array_equal(upload.read_picture(encoded(image, kind), (8, 8, 3)), image)
  grey = image[..., 0]
  np.testing.assert_array_equal(
      upload.read_picture(encoded(grey, kind), (8, 8, 1)), grey[..., None])


@pytest.mark.parametrize('shape', [(8, 8, 1), (8, 8, 3), (4, 12, 3)])
@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF', 'WEBP'])
def test_others_are_cut_and_scaled(kind, shape):
  image = np.full([40, 90, 3], 200, np.uint8)
  picture = upload.read_picture(encoded(image, kind), shape)
  assert picture.shape == shape and picture.dtype == np.uint8
  assert np.abs(np.int32(picture) - 200).max() <= 6


@pytest.mark.parametrize('text, message', [
    ('', 'no picture'), ('????', 'no picture'), ('ä', 'no picture'), (None, 'Nothing'),
    (base64.b64encode(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n').decode(), 'no picture'),
    (encoded(tiny.make_images(1)[0], 'TIFF'), 'no picture'),
    (encoded(tiny.make_images(1)[0])[:60], 'no picture'),
    (upload.TOO_LARGE, 'too large: it may have up to 10 MB'),
    ('A' * (14 * 2**20), 'too large: it may have up to 10 MB')])
def test_what_is_refused(text, message):
  with pytest.raises(upload.UploadError, match=message):
    upload.read_picture(text, (8, 8, 3))


@pytest.mark.parametrize('side, is_refused', [(4000, False), (4001, True), (8000, True)])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(side, is_refused):
  bomb = encoded(np.zeros([side, side], np.uint8), compress_level=9)
  assert len(bomb) < 200_000
  if not is_refused:
    assert not upload.read_picture(bomb, (8, 8, 1)).any()
    return
  with pytest.raises(upload.UploadError, match=f'too large: {side} x {side} pixels'):
    upload.read_picture(bomb, (8, 8, 1))
