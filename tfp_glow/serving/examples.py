"""Test images that go with an export, and how likely the model finds them."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow import distributions
from tfp_glow import progress

__all__ = ['Examples', 'measure_examples']

_NUM_IMAGES = 64
_NUM_MEASURED = 1000
_MAX_PASSES = 10_000  # Through the flow: one for each measured image, or for each of its classes.
_BATCH_SIZE = 50
_MAX_PIXEL_BYTES = 4 * 2**20  # Of the images kept: fewer of them where they are large.


@dataclasses.dataclass
class Examples:
  """Images of the test split.

  Attributes:
    images: uint8 array `[M, H, W, C]`, the first ones.
    bits_per_dim: float32 array of at least M, of the first images: one draw of noise each, and
      of a model with classes those without the label.
    labels: int32 array `[M]`, or None of data without labels and of version 0.1.
  """

  images: np.ndarray
  bits_per_dim: np.ndarray
  labels: np.ndarray | None = None

  def save(self, path):
    labels = {} if self.labels is None else dict(labels=self.labels)
    np.savez_compressed(path, images=self.images, bits_per_dim=self.bits_per_dim, **labels)

  @classmethod
  def read(cls, path, image_shape):
    """Reads what `save` wrote of images of a shape; nothing in it is unpickled.

    Raises:
      ValueError: if the arrays are other ones; other errors if it is no .npz file.
    """
    with np.load(path, allow_pickle=False) as arrays:
      images, bits = arrays['images'], arrays['bits_per_dim']
      labels = arrays['labels'] if 'labels' in arrays else None
    if (images.dtype != np.uint8 or images.shape[1:] != tuple(image_shape) or not len(images)
        or bits.dtype != np.float32 or bits.ndim != 1 or not np.isfinite(bits).all()):
      raise ValueError(
          f'it holds {images.dtype} images of the shape {list(images.shape)} and {bits.dtype} '
          f'bits/dim of the shape {list(bits.shape)}')
    if labels is not None and (labels.dtype != np.int32 or labels.shape != images.shape[:1]):
      raise ValueError(f'it holds {labels.dtype} labels of the shape {list(labels.shape)} for '
                       f'{len(images)} images')
    return cls(images, bits, labels)


def measure_examples(model, source):
  """The first test images, and the bits/dim of up to 1,000 of them, fewer with many classes.

  Args:
    model: an `ImageModel`.
    source: an `ImageSource`.
  """
  @tf.function(autograph=False)
  def bits_per_dim(images, draw):
    return model.bits_per_dim(images, distributions.noise_of_draw(images.shape, (0, 0), draw))

  images, labels, values = [], [], []
  num = min(_NUM_MEASURED, max(_NUM_IMAGES, _MAX_PASSES // max(1, model.num_classes)))
  num_batches = -(-min(num, source.num_examples('test')) // _BATCH_SIZE)
  batches = data.eval_batches(source, batch_size=_BATCH_SIZE).take(num_batches)
  for number, batch in enumerate(progress.progress(batches, num_batches, 'measuring images')):
    present = batch['mask'].numpy() > 0
    images.append(batch['image'].numpy()[present])
    labels.append(batch['label'].numpy()[present])
    values.append(bits_per_dim(batch['image'], tf.constant(number)).numpy()[present])
  num_kept = max(2, min(_NUM_IMAGES, _MAX_PIXEL_BYTES // model.event_size))
  of_kept = lambda batches: np.concatenate(batches[:-(-num_kept // _BATCH_SIZE)])[:num_kept]
  return Examples(of_kept(images), np.concatenate(values),
                  of_kept(labels) if source.num_classes else None)
