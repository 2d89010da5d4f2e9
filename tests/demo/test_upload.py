"""Files that visitors send."""

import base64
import io
import types

import numpy as np
from PIL import Image
import pytest

from tests.serving import tiny
from tfp_glow import data
from tfp_glow.demo import upload

_AS_IT_IS = types.SimpleNamespace(**data.defaults())


def encoded(image, kind='PNG', **options):
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, format=kind, **options)
  return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize('kind', ['PNG', 'BMP'])
def test_a_picture_of_the_right_size_comes_as_it_is(kind):
  image = tiny.make_images(1)[0]
  np.testing.assert_array_equal(upload.read_picture(encoded(image, kind), (8, 8, 3), _AS_IT_IS), image)
  grey = image[..., 0]
  np.testing.assert_array_equal(
      upload.read_picture(encoded(grey, kind), (8, 8, 1), _AS_IT_IS), grey[..., None])


@pytest.mark.parametrize('shape', [(8, 8, 1), (8, 8, 3), (4, 12, 3)])
@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF', 'WEBP', 'TIFF'])
def test_others_are_cut_and_scaled(kind, shape):
  image = np.full([40, 90, 3], 200, np.uint8)
  picture = upload.read_picture(encoded(image, kind), shape, _AS_IT_IS)
  assert picture.shape == shape and picture.dtype == np.uint8
  assert np.abs(np.int32(picture) - 200).max() <= 6


@pytest.mark.parametrize('text, message', [
    ('', 'The file is an empty file'), ('????', 'no picture'), ('ä', 'no picture'),
    (None, 'Nothing'), (7, 'Nothing'),
    (base64.b64encode(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n').decode(),
     'is no picture file'),
    (encoded(tiny.make_images(1)[0])[:60], 'is a damaged PNG file'),
    (upload.TOO_LARGE, 'too large: it may have up to 10 MB'),
    ('A' * (14 * 2**20), 'too large: it may have up to 10 MB')])
def test_what_is_refused(text, message):
  with pytest.raises(upload.UploadError, match=message):
    upload.read_picture(text, (8, 8, 3), _AS_IT_IS)


def test_a_picture_is_sized_as_in_training():
  image = np.zeros([40, 60, 3], np.uint8)
  image[10:30, 20:40] = 255  # The middle half of the central square.
  config = types.SimpleNamespace(**{
      **data.defaults(), 'resize': 'random_crop', 'image_size': 8, 'crop_from': 16})
  np.testing.assert_array_equal(
      upload.read_picture(encoded(image), (8, 8, 3), config), np.full([8, 8, 3], 255))
  config.resize = 'pad'
  found = upload.read_picture(encoded(image[:4, :4]), (8, 8, 1), config)
  assert not found.any() and found.shape == (8, 8, 1)


@pytest.mark.parametrize('side, is_refused', [(4000, False), (4001, True), (8000, True)])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(side, is_refused):
  bomb = encoded(np.zeros([side, side], np.uint8), compress_level=9)
  assert len(bomb) < 200_000
  if not is_refused:
    assert not upload.read_picture(bomb, (8, 8, 1), _AS_IT_IS).any()
    return
  with pytest.raises(upload.UploadError, match=f'has {side} x {side} pixels'):
    upload.read_picture(bomb, (8, 8, 1), _AS_IT_IS)
