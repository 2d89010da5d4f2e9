"""How many bits general compressors need for an image: an estimate of its complexity."""

import io
import zlib

import numpy as np
from PIL import Image

from tfp_glow import progress

__all__ = ['compressed_bits']


def compressed_bits(images, n_bits=8):
  """Bits of the smaller of a PNG file and a zlib stream of each image.

  The minimum over compressors is nearer to the complexity than each (Serra et al.
  2020, section 3). PNG takes images of 1, 3 or 4 channels.

  Args:
    images: uint8 array `[N, H, W, C]`.
    n_bits: int, 1 to 8, bits of a colour value that the model sees; only they count.

  Returns:
    float array `[N]`.
  """
  levels = np.asarray(images) >> (8 - n_bits)
  return np.array([8. * min(size(image) for size in (_zlib_size, _png_size))
                   for image in progress.progress(levels, len(levels), 'compressing images')])


def _zlib_size(image):
  return len(zlib.compress(image.tobytes(), 9))


def _png_size(image):
  if image.shape[-1] not in (1, 3, 4):
    return float('inf')
  file = io.BytesIO()
  Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(
      file, format='PNG', optimize=True)
  return file.tell()
