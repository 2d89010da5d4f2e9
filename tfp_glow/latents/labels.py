"""Attributes of labelled images, from the features of any data set of TFDS."""

import tensorflow as tf

__all__ = ['attribute_names', 'labelled_batches']


def attribute_names(source):
  """Names of the attributes that a data set's images have or have not.

  These are the classes of a `label`, or the members of a dict of booleans under `attributes`
  (as CelebA has). A class counts as an attribute of the images in it.

  Args:
    source: an `ImageSource`.

  Returns:
    List of str, empty for a data set without labels.
  """
  features = source.builder.info.features
  if 'attributes' in features.keys():
    attributes = features['attributes']
    return sorted(name for name in attributes.keys() if attributes[name].np_dtype == bool)
  return list(features['label'].names) if source.num_classes else []


def labelled_batches(source, batch_size):
  """All training images once, with their attributes.

  Args:
    source: an `ImageSource`.
    batch_size: int.

  Returns:
    tf.data.Dataset of {'image': uint8 [B, H, W, C], 'attributes': float32 [B, A], 1 where an
    image has the attribute}, A being that of `attribute_names`. The last batch may be smaller.
  """
  names = attribute_names(source)

  def example(record):
    if 'attributes' in record:
      flags = tf.stack([record['attributes'][name] for name in names])
    else:
      flags = tf.one_hot(record['label'], len(names))
    return {'image': source.decode(record['image']), 'attributes': tf.cast(flags, tf.float32)}

  records = _records(source).map(example, num_parallel_calls=tf.data.AUTOTUNE)
  return records.batch(batch_size).prefetch(1)


def _records(source):
  """The training examples, their images undecoded."""
  if 'attributes' not in source.builder.info.features.keys():
    return source.records('train')
  import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
  return source.builder.as_dataset(
      split='train', decoders={'image': tfds.decode.SkipDecoding()})
