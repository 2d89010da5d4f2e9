"""Reads data sets that TensorFlow Datasets has prepared."""

import numpy as np
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.data import reader

__all__ = ['TfdsReader']

_HELD_OUT_PERCENT = 10


class TfdsReader(reader.Reader):
  """A data set of TFDS that has an 8-bit `image`.

  Where it has no split 'test', 'validation' is used for it; where it has neither, the last
  tenth of 'train'.

  Args:
    builder: a prepared `tfds.core.DatasetBuilder`.
    name: str, for messages.

  Raises:
    UserError: if it has no images or no training split.
  """

  def __init__(self, builder, name):
    self.builder = builder
    self._splits = _splits(builder, name)
    features = builder.info.features
    names = features.keys() if hasattr(features, 'keys') else ()
    image = features['image'] if 'image' in names else None
    if image is None or image.np_dtype != np.uint8 or len(image.shape) != 3:
      raise errors.UserError(f"data set {name!r} has no 8-bit image under the name 'image', "
                             f'but: {features}')
    self._attributes = features['attributes'] if 'attributes' in names else None
    num_classes = getattr(features['label'], 'num_classes', None) if 'label' in names else None
    class_names = list(features['label'].names) if num_classes else []
    super().__init__(
        name=name,
        num_examples={split: builder.info.splits[its_name].num_examples
                      for split, its_name in self._splits.items()},
        native_shape=tuple(image.shape), num_classes=num_classes,
        attribute_names=self._names_of_attributes(class_names), class_names=class_names)

  def _names_of_attributes(self, class_names):
    if self._attributes is None:
      return class_names
    return sorted(name for name in self._attributes.keys()
                  if self._attributes[name].np_dtype == bool)

  def examples(self, split):
    import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
    dataset = self.builder.as_dataset(
        split=self._splits[split],
        shuffle_files=False,
        read_config=tfds.ReadConfig(try_autocache=False),
        decoders={'image': tfds.decode.SkipDecoding()})

    def example(record):
      label = record['label'] if self.num_classes is not None else 0
      result = {'image': record['image'], 'label': tf.cast(label, tf.int32)}
      if self._attributes is not None:
        result['attributes'] = tf.stack(
            [record['attributes'][name] for name in self.attribute_names])
      return result

    return dataset.map(example, num_parallel_calls=1)

  def decode(self, image):
    decode = self.builder.info.features['image'].decode_example
    if self.native_shape[-1] != 3:
      return decode(image)
    # As a server decodes the same file; TFDS has another decoder for JPEG.
    return tf.cond(
        tf.io.is_jpeg(image),
        lambda: tf.io.decode_jpeg(image, channels=3, dct_method='INTEGER_ACCURATE'),
        lambda: decode(image))

  def fingerprint(self):
    return dict(kind='tfds', name=self.builder.info.full_name, images=dict(self.num_examples))


def _splits(builder, name):
  """Maps 'train', 'test' and maybe 'validation' to what TFDS calls them."""
  names = list(builder.info.splits)
  if 'train' not in names:
    raise errors.UserError(f"data set {name!r} has no 'train' split, but: {', '.join(names)}")
  if 'test' in names:
    return {split: split for split in ('train', 'validation', 'test') if split in names}
  if 'validation' in names:
    return {'train': 'train', 'test': 'validation'}
  kept = 100 - _HELD_OUT_PERCENT
  return {'train': f'train[:{kept}%]', 'test': f'train[{kept}%:]'}
