"""Pictures that visitors send: bytes in a message, never a path."""

import base64
import binascii
import io

import numpy as np
from PIL import Image
from PIL import ImageOps

__all__ = ['MAX_BYTES', 'TOO_LARGE', 'UploadError', 'read_picture']

MAX_BYTES = 10 * 2**20
TOO_LARGE = 'too large'  # What the page sends instead of a file that is.
_MAX_PIXELS = 16_000_000
_FORMATS = ('BMP', 'GIF', 'JPEG', 'PNG', 'WEBP')


class UploadError(ValueError):
  """The file is refused. Its message is for the visitor."""


def read_picture(text, image_shape):
  """The picture of an upload at the size of a model's images.

  It is cut to their shape around its centre and scaled.

  Args:
    text: str, the file in base64.
    image_shape: `(H, W, C)`, C being 1 or 3.

  Returns:
    uint8 array `[H, W, C]`.

  Raises:
    UploadError: for a file that is too large or no picture.
  """
  height, width, channels = image_shape
  if not isinstance(text, str):
    raise UploadError('Nothing was received.')
  if text == TOO_LARGE or len(text) > MAX_BYTES * 4 // 3 + 4:
    raise UploadError(f'The file is too large: it may have up to {MAX_BYTES // 2**20} MB.')
  try:
    # Only these formats: some of Pillow's others start programs.
    picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=_FORMATS)
    if picture.width * picture.height > _MAX_PIXELS:
      raise UploadError(f'The picture is too large: {picture.width} x {picture.height} pixels, and '
                        f'it may have up to {_MAX_PIXELS // 10**6} million.')
    picture = ImageOps.exif_transpose(picture).convert('L' if channels == 1 else 'RGB')
    if picture.size != (width, height):
      picture = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
  except UploadError:
    raise
  except Image.DecompressionBombError as error:
    raise UploadError('The picture is too large.') from error
  except (binascii.Error, OSError, SyntaxError, ValueError) as error:
    raise UploadError(
        f'The file is no picture that can be read; {", ".join(_FORMATS)} files can.') from error
  return np.asarray(picture, np.uint8).reshape(height, width, channels)
