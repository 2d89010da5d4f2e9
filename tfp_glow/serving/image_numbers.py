"""A number for each image that its pixels alone decide."""

import tensorflow as tf

__all__ = ['number_images']

_PRIME = 2**31 - 1


def number_images(images):
  """Numbers that noise can be drawn by, so that an image gets the same in any batch.

  Two sums of the pixels, weighted by chance and taken modulo a prime. In integers, so that the
  number does not depend on the order in which a device adds.

  Args:
    images: uint8 Tensor `[N, H, W, C]`.

  Returns:
    int64 Tensor `[N]`.
  """
  size = tf.reduce_prod(tf.shape(images)[1:])
  # Below 2^31, so that 255 times their sum stays below 2^63 for images of up to 2^24 values.
  weights = tf.random.stateless_uniform(
      [size, 2], (0, 0), minval=0, maxval=_PRIME, dtype=tf.int64, alg='philox')
  sums = tf.matmul(tf.cast(tf.reshape(images, [-1, size]), tf.int64), weights) % _PRIME
  return sums[:, 0] * 2**31 + sums[:, 1]
