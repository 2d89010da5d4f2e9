"""What is transparent, laid over white."""

import tensorflow as tf

__all__ = ['over_white']

_BLOCKS = 16  # Of rows, one after the other: a large picture takes less memory.


def over_white(image):
  """A picture with opacity laid over white.

  Args:
    image: uint8 Tensor [H, W, 4], the last channel being 255 where it is opaque.

  Returns:
    uint8 Tensor [H, W, 3], round((colour * opacity + 255 * (255 - opacity)) / 255).
  """
  height, width = tf.unstack(tf.shape(image)[:2])
  image = tf.pad(image, [[0, -height % _BLOCKS], [0, 0], [0, 0]])
  blocks = tf.reshape(image, [_BLOCKS, -1, width, 4])
  blocks = tf.map_fn(
      _over_white, blocks, parallel_iterations=1,
      fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8))
  return tf.reshape(blocks, [-1, width, 3])[:height]


def _over_white(image):
  image = tf.cast(image, tf.uint16)
  opacity = image[..., 3:]
  # At most 255 * 255, to which this division by 255 is exact in 16 bits.
  value = image[..., :3] * opacity + 255 * (255 - opacity) + 128
  shift = tf.constant(8, tf.uint16)
  value = tf.bitwise.right_shift(value + tf.bitwise.right_shift(value, shift), shift)
  return tf.cast(value, tf.uint8)
