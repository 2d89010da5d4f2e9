"""A seed for each image that its pixels alone decide."""

import tensorflow as tf

__all__ = ['seed_images']

_PRIME = 2**31 - 1


def seed_images(images):
  """Seeds of the noise of images, so that an image gets the same in any batch and anywhere.

  Two sums of the pixels, weighted by chance and taken modulo a prime. In integers, so that the
  seed does not depend on the order in which a device adds.

  Args:
    images: uint8 Tensor `[N, H, W, C]`.

  Returns:
    int32 Tensor `[N, 2]`.
  """
  size = tf.reduce_prod(tf.shape(images)[1:])
  # Below 2^31, so that 255 times their sum stays below 2^63 for images of up to 2^24 values.
  weights = tf.random.stateless_uniform(
      [size, 2], (0, 0), minval=0, maxval=_PRIME, dtype=tf.int64, alg='philox')
  sums = tf.matmul(tf.cast(tf.reshape(images, [-1, size]), tf.int64), weights) % _PRIME
  return tf.cast(sums, tf.int32)
