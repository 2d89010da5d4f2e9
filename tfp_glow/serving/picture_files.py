"""Picture files as images of a model's size, inside the graph."""

import tensorflow as tf

from tfp_glow.data import images as image_sizes
from tfp_glow.data import pictures
from tfp_glow.serving import requests

__all__ = ['can_decode', 'decode_files']

_WANTED = 'image_bytes must be picture files'


def can_decode(image_shape):
  """Whether files can be images of this shape: grey or colour ones."""
  return image_shape[-1] in (1, 3)


def decode_files(files, image_shape, dataset_config):
  """The pixels that training sees in the same PNG, JPEG, GIF and BMP files.

  Sizes are read from the files' headers first: a file of more than
  `pictures.MAX_PIXELS_SERVED` pixels, or files of more than `pictures.MAX_PIXELS_OF_REQUEST`
  together, are not decoded.

  Args:
    files: string Tensor `[N]`, the files' bytes, N of at least 1.
    image_shape: `(H, W, C)`, ints, C being 1 or 3.
    dataset_config: an object with `image_size`, `resize` and `crop_from`, see
      `data.defaults`. A random crop is the middle one.

  Returns:
    uint8 Tensor `[N, H, W, C]`. A file of another size after this resizing, or one that cannot be
    decoded, is an InvalidArgumentError when the graph runs, which says which one and why.
  """
  height, width, _ = image_shape

  def finish(image):
    size = tf.shape(image)[:2]
    image = image_sizes.to_shape(image, image_shape, dataset_config)
    fits = tf.reduce_all(tf.equal(tf.shape(image), image_shape))
    image = tf.cond(fits, lambda: image, lambda: tf.zeros(image_shape, tf.uint8))
    problem = tf.strings.format(
        'has {} x {} pixels (height x width); the model takes pictures of '
        f'{height} x {width} and resizes none to it', tf.unstack(size))
    return tf.reshape(image, image_shape), tf.where(fits, '', problem)

  with tf.device('CPU'):
    images, problems = pictures.decode_all(
        files, finish, pictures.MAX_PIXELS_SERVED, pictures.MAX_PIXELS_OF_REQUEST)
  is_wrong = tf.not_equal(problems, '')
  first = tf.argmax(tf.cast(is_wrong, tf.int32))
  received = tf.strings.join(['file ', tf.strings.as_string(first), ' ', problems[first]])
  return requests.require(~tf.reduce_any(is_wrong), _WANTED, received, images)

