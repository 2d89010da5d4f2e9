"""Pictures that visitors send: bytes in a message, never a path."""

import base64
import binascii

from tfp_glow.data import images
from tfp_glow.data import pictures

__all__ = ['MAX_BYTES', 'TOO_LARGE', 'UploadError', 'read_picture']

MAX_BYTES = 10 * 2**20
TOO_LARGE = 'too large'  # What the page sends instead of a file that is.


class UploadError(ValueError):
  """The file is refused. Its message is for the visitor."""


def read_picture(text, image_shape, dataset_config):
  """The picture of an upload as the model was trained on pictures.

  Where training resized none, its central square is scaled to the model's images and cut to
  them, unless it has their size.

  Args:
    text: str, the file in base64.
    image_shape: `(H, W, C)`, C being 1 or 3.
    dataset_config: the `dataset` part of the model's config.

  Returns:
    uint8 array `[H, W, C]`.

  Raises:
    UploadError: for a file that is too large or no picture.
  """
  if not isinstance(text, str):
    raise UploadError('Nothing was received.')
  if text == TOO_LARGE or len(text) > MAX_BYTES * 4 // 3 + 4:
    raise UploadError(f'The file is too large: it may have up to {MAX_BYTES // 2**20} MB.')
  try:
    image = pictures.read(base64.b64decode(text, validate=True), pictures.MAX_PIXELS_SERVED)
  except pictures.PictureError as error:
    raise UploadError(f'The file {error}.') from error
  except (binascii.Error, ValueError) as error:
    raise UploadError('The file is no picture: it did not come as base64.') from error
  image = images.to_shape(image, image_shape, dataset_config, scale=True)
  return image.numpy()
