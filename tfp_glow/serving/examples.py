"""Test images that go with an export, and how likely the model finds them."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow import distributions
from tfp_glow.runs import progress

__all__ = ['Examples', 'measure_examples']

_NUM_IMAGES = 64
_NUM_MEASURED = 1000
_BATCH_SIZE = 50
_MAX_PIXEL_BYTES = 4 * 2**20  # Of the images kept: fewer of them where they are large.


@dataclasses.dataclass
class Examples:
  """Images of the test split.

  Attributes:
    images: uint8 array `[M, H, W, C]`, the first ones.
    bits_per_dim: float32 array of at least M, of the first images: one draw of noise each.
  """

  images: np.ndarray
  bits_per_dim: np.ndarray

  def save(self, path):
    np.savez_compressed(path, images=self.images, bits_per_dim=self.bits_per_dim)

  @classmethod
  def read(cls, path, image_shape):
    """Reads what `save` wrote of images of a shape; nothing in it is unpickled.

    Raises:
      ValueError: if the arrays are other ones; other errors if it is no .npz file.
    """
    with np.load(path, allow_pickle=False) as arrays:
      images, bits = arrays['images'], arrays['bits_per_dim']
    if (images.dtype != np.uint8 or images.shape[1:] != tuple(image_shape) or len(images) < 2
        or bits.dtype != np.float32 or bits.ndim != 1 or not np.isfinite(bits).all()):
      raise ValueError(
          f'it holds {images.dtype} images of the shape {list(images.shape)} and {bits.dtype} '
          f'bits/dim of the shape {list(bits.shape)}')
    return cls(images, bits)


def measure_examples(model, source):
  """The first test images, and the bits/dim of up to 1,000 of them.

  Args:
    model: an `ImageModel`.
    source: an `ImageSource`.
  """
  @tf.function
  def bits_per_dim(images, draw):
    return model.bits_per_dim(images, distributions.noise_of_draw(images.shape, (0, 0), draw))

  images, values = [], []
  num_batches = -(-min(_NUM_MEASURED, source.num_examples('test')) // _BATCH_SIZE)
  batches = data.eval_batches(source, batch_size=_BATCH_SIZE).take(num_batches)
  for number, batch in enumerate(progress.progress(batches, num_batches, 'measuring images')):
    present = batch['mask'].numpy() > 0
    images.append(batch['image'].numpy()[present])
    values.append(bits_per_dim(batch['image'], tf.constant(number)).numpy()[present])
  num_kept = max(2, min(_NUM_IMAGES, _MAX_PIXEL_BYTES // model.event_size))
  return Examples(np.concatenate(images[:-(-num_kept // _BATCH_SIZE)])[:num_kept],
                  np.concatenate(values))
