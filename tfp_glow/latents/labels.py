"""Attributes of labelled images, of any data set that has them."""

import tensorflow as tf

__all__ = ['labelled_batches']


def labelled_batches(source, batch_size):
  """All training images once, with their attributes.

  These are the classes of a `label`, or what images have or have not (as CelebA's). A class
  counts as an attribute of the images in it.

  Args:
    source: an `ImageSource`.
    batch_size: int.

  Returns:
    tf.data.Dataset of {'image': uint8 [B, H, W, C], 'label': int32 [B], 'attributes': float32
    [B, A], 1 where an image has the attribute}, A being that of `source.attribute_names`. The last
    batch may be smaller.
  """
  def example(record):
    return {**record, 'image': source.decode(record['image'])}

  records = source.records('train', attributes=True)
  return records.map(example, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).prefetch(1)
