"""Reads one picture file into memory, of a kind that the graph decodes or Pillow does."""

import functools
import io
import threading

import numpy as np
from PIL import Image
from PIL import ImageOps
import tensorflow as tf

from tfp_glow.data.pictures import graph
from tfp_glow.data.pictures import kinds
from tfp_glow.data.pictures import opacity

__all__ = ['MAX_PIXELS', 'PictureError', 'read']

MAX_PIXELS = 100_000_000  # Of the user's own files.

# What Pillow is asked for: some of its other formats start programs.
_BY_PILLOW = {'WEBP': 'WebP', 'TIFF': 'TIFF', 'BMP': 'BMP'}
_READABLE = 'PNG, JPEG, GIF, BMP, WebP or TIFF'
_WITH_OPACITY = ('LA', 'PA', 'RGBA', 'La', 'RGBa')


class PictureError(ValueError):
  """A file cannot be read. Its message goes after the file's name: 'is a damaged PNG file'."""


_MAKING = threading.Lock()  # Else each of many threads traces the graph and optimizes it.


@functools.cache
def _decoder(max_pixels):
  def decode(contents):
    images, problems = graph.decode_all(
        contents[None], lambda image: (image, tf.constant('')), max_pixels)
    return images[0], problems[0]

  decode = tf.function(decode, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
  decode(b'')  # Which is no picture, and says so.
  return decode


def read(contents, max_pixels=MAX_PIXELS):
  """The pixels of a picture file.

  Args:
    contents: bytes, the file.
    max_pixels: int. A picture of more is told by its header and not decoded.

  Returns:
    uint8 Tensor [H, W, 3].

  Raises:
    PictureError: if it is no picture, damaged, too large or of a kind that is not read.
  """
  with tf.device('CPU'):
    with _MAKING:
      decode = _decoder(max_pixels)
    image, problem = decode(contents)
  problem = problem.numpy().decode()
  if not problem:
    return image
  name = next((name for name in _BY_PILLOW.values() if f' {name} file' in problem), None)
  if name is None:
    raise PictureError(problem.replace(kinds.READABLE, _READABLE))
  try:
    picture = Image.open(io.BytesIO(contents), formats=tuple(_BY_PILLOW))
    if picture.width * picture.height <= max_pixels:
      return _by_pillow(picture)
  except PictureError:
    raise
  except Image.DecompressionBombError as error:
    raise PictureError(f'has too many pixels; at most {max_pixels} are read') from error
  except Exception as error:  # pylint: disable=broad-except
    raise PictureError(f'is a damaged {name} file') from error
  raise PictureError(f'has {picture.height} x {picture.width} pixels (height x width); at most '
                     f'{max_pixels} are read')


def _by_pillow(picture):
  """The first frame of an open picture, uint8 Tensor [H, W, 3]."""
  picture = ImageOps.exif_transpose(picture)
  if picture.mode.startswith('I;16'):
    grey = np.asarray(picture) >> 8
    return tf.constant(np.uint8(np.repeat(grey[..., None], 3, -1)))
  if picture.mode in ('I', 'F', 'LAB', 'HSV'):
    raise PictureError(f'is a {_BY_PILLOW[picture.format]} file of the mode {picture.mode}, which is not '
                       'read; save it with 8 bits a colour')
  has_opacity = picture.mode in _WITH_OPACITY or 'transparency' in picture.info
  pixels = tf.constant(np.asarray(picture.convert('RGBA' if has_opacity else 'RGB')))
  return opacity.over_white(pixels) if has_opacity else pixels
