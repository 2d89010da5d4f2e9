"""Grids of images as PNG files."""

import os

import numpy as np
from PIL import Image
import tensorflow as tf

from tfp_glow import progress
from tfp_glow.distributions import random
from tfp_glow.runs import files

__all__ = ['Sampler', 'grid', 'save_png', 'visible']

_GAP = 2  # Pixels between the images of a grid.


def grid(images, columns=None):
  """Lays images out row by row, with a gap between them.

  Args:
    images: uint8 array `[N, H, W, C]`.
    columns: int; by default the grid is about square.

  Returns:
    uint8 array `[rows * (H + gap) - gap, columns * (W + gap) - gap, C]`.
  """
  num, height, width, channels = images.shape
  columns = columns or int(np.ceil(np.sqrt(num)))
  rows = -(-num // columns)
  canvas = np.full([rows, height + _GAP, columns, width + _GAP, channels], 255, np.uint8)
  for i, image in enumerate(images):
    canvas[i // columns, :height, i % columns, :width] = image
  canvas = canvas.reshape(rows * (height + _GAP), columns * (width + _GAP), channels)
  return canvas[:-_GAP, :-_GAP]


def visible(image):
  """The channels that a picture can show: the first 3, or of fewer the first as grey.

  Args:
    image: uint8 array `[H, W, C]`.

  Returns:
    uint8 array `[H, W, 3]` or `[H, W, 1]`.
  """
  return image[..., :3] if image.shape[-1] >= 3 else image[..., :1]


def save_png(path, image):
  """Writes a picture, whole or not at all.

  Args:
    path: str; its folder is made.
    image: uint8 array `[H, W, C]`, shown as `visible` says.

  Raises:
    UserError: if it cannot be written.
  """
  image = visible(image)
  with files.one_line_errors(path):
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with files.written_whole(path) as temporary:
      Image.fromarray(image if image.shape[-1] == 3 else image[..., 0]).save(
          temporary, format='PNG')


class Sampler:
  """Draws images from a model, in batches.

  Args:
    model: an `ImageModel`.
    batch_size: int, the most images to draw at once.
  """

  def __init__(self, model, batch_size):
    self._model = model
    self._batch_size = batch_size
    self._draw = tf.function(model.sample, autograph=False)

  def __call__(self, num, temperature, seed, labels=None):
    """uint8 array `[num, H, W, C]` that depends on the arguments and the weights alone.

    Args:
      num: int.
      temperature: float, the standard deviation of the base distribution.
      seed: int, any.
      labels: int array `[num]` for a model with classes.
    """
    batches, size = -(-num // self._batch_size), min(num, self._batch_size)
    temperature = tf.constant(temperature, tf.float32)
    images = []
    for number in progress.progress(range(batches), batches, 'drawing samples'):
      own = None
      if labels is not None:
        own = np.resize(labels[number * size:(number + 1) * size], size).astype(np.int32)
        own = tf.constant(own)
      seeds = tf.constant([random.fold_seed(seed), number], tf.int64)
      images.append(self._draw(size, temperature, seeds, labels=own).numpy())
    return np.concatenate(images)[:num]

  def grid(self, num, temperature, seed, label=None):
    """A picture of samples, as `grid` lays them out.

    Args:
      num, temperature, seed: as for a call.
      label: int, the class of all samples; None: each column has a class of its own. Of fewer
        samples than classes they are drawn (of a model without classes, nothing).
    """
    classes = self._model.num_classes
    columns = classes if label is None and 0 < classes <= num else None
    labels = self.labels_of_grid(num, seed, label)
    return grid(self(num, temperature, seed, labels), columns)

  def labels_of_grid(self, num, seed, label=None):
    """The labels of the samples of `grid`, int array `[num]`; None for a model without classes."""
    classes = self._model.num_classes
    if not classes:
      return None
    if label is not None:
      return np.full([num], label)
    if num >= classes:
      return np.arange(num) % classes
    return self._model.sample_labels(num, (random.fold_seed(seed), 0)).numpy()
