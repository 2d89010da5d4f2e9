"""TensorFlow's decoders, where a file that they cannot decode is no error."""

import tensorflow as tf

from tfp_glow.data import untuned

__all__ = ['decode_gif', 'decode_jpeg', 'decode_png', 'try_to']


def decode_png(contents, has_opacity):
  """uint8 [H, W, 4] where the second argument, a bool scalar, holds, else [H, W, 3]; the size."""
  image = tf.cond(has_opacity, lambda: tf.io.decode_png(contents, channels=4),
                  lambda: tf.io.decode_png(contents, channels=3))
  return image, tf.shape(image, tf.int64)[:2]


def decode_jpeg(contents, max_pixels):
  """uint8 [H, W, 3], or no pixels where there are more than so many; the size."""
  # The decoder's own parser: no second one can take another header for the picture's.
  size = tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64)

  def decode():
    # What TensorFlow takes by default is off by up to 6 grey levels.
    return tf.io.decode_jpeg(
        contents, channels=3, dct_method='INTEGER_ACCURATE', fancy_upscaling=True)

  nothing = lambda: tf.zeros([0, 0, 3], tf.uint8)
  return tf.cond(tf.reduce_prod(size) <= max_pixels, decode, nothing), size


def decode_gif(contents):
  """uint8 [H, W, 3], the first frame; the size."""
  image = tf.io.decode_gif(contents)[0]
  return image, tf.shape(image, tf.int64)[:2]


def try_to(decode, *inputs):
  """Decodes a file, unless it is damaged.

  A graph cannot catch the error of an operation; a data set can leave an element out.

  Args:
    decode: one of the functions above.
    *inputs: Tensors that it takes.

  Returns:
    (uint8 Tensor [H, W, C], with no pixels where it was not decoded; int64 Tensor [2], height
    and width; bool scalar Tensor, False for a damaged file).
  """
  def examine(*inputs):
    image, size = decode(*inputs)
    return tf.ensure_shape(image, [None, None, None]), size, True

  instead = tf.zeros([0, 0, 3], tf.uint8), tf.zeros([2], tf.int64), False
  results = tf.data.Dataset.from_tensors(inputs).map(examine).ignore_errors()
  results = results.concatenate(tf.data.Dataset.from_tensors(instead)).take(1)
  options = tf.data.Options()
  options.experimental_optimization.apply_default_optimizations = False
  return untuned.untuned(results.with_options(options)).get_single_element()
