"""Reads images that lie in memory as arrays."""

import hashlib

import numpy as np
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.data import reader

__all__ = ['ArrayReader']

_MAX_CLASSES = 100_000  # As of model.num_classes.


class ArrayReader(reader.Reader):
  """Images and labels in memory.

  The number of classes is the largest label and one more.

  Args:
    name: str, the data set's.
    splits: {'train' and 'test': (uint8 array [N, H, W, C], int array [N] or None)}.

  Raises:
    UserError: if the images of the two differ in size, or labels are too large to be classes.
  """

  def __init__(self, name, splits):
    shapes = {split: pixels.shape for split, (pixels, _) in splits.items()}
    if shapes['train'][1:] != shapes['test'][1:]:
      raise errors.UserError(f'{name}: the images for training and testing must be of one size; '
                             f'received {shapes["train"]} and {shapes["test"]}')
    self._splits = {}
    is_labelled = all(labels is not None for _, labels in splits.values())
    for split, (pixels, labels) in splits.items():
      labels = labels if is_labelled else np.zeros([len(pixels)])
      self._splits[split] = np.ascontiguousarray(pixels), labels.astype(np.int32)
    num_classes = None
    if is_labelled:
      largest = max(int(labels.max()) for _, labels in self._splits.values())
      if largest >= _MAX_CLASSES:
        raise errors.UserError(
            f'{name}: labels must be classes, whole numbers below {_MAX_CLASSES:,}; received '
            f'{largest}. Leave the labels out, or number the classes from 0.')
      num_classes = 1 + largest
    super().__init__(
        name=name, num_examples={split: len(labels) for split, (_, labels) in self._splits.items()},
        native_shape=self._splits['train'][0].shape[1:], num_classes=num_classes,
        attribute_names=[str(number) for number in range(num_classes or 0)])

  def examples(self, split):
    with tf.device('CPU'):
      pixels, labels = map(tf.constant, self._splits[split])
    return tf.data.Dataset.range(len(labels)).map(
        lambda number: {'image': tf.gather(pixels, number), 'label': tf.gather(labels, number)},
        num_parallel_calls=1)

  def decode(self, image):
    return tf.ensure_shape(image, self.native_shape)

  def arrays(self, split):
    return self._splits[split]

  def fingerprint(self):
    digest = hashlib.sha256()
    for split, (pixels, labels) in sorted(self._splits.items()):
      digest.update(f'{split} {pixels.shape} {self.num_classes}'.encode())
      digest.update(pixels)
      digest.update(labels.astype('<i4'))
    return dict(kind='arrays', digest=digest.hexdigest()[:32], images=dict(self.num_examples))
