"""Picture files as images of a model's size, inside the graph."""

import tensorflow as tf

from tfp_glow.data import images as image_sizes
from tfp_glow.serving import requests

__all__ = ['can_decode', 'decode_files']


def can_decode(image_shape):
  """Whether files can be images of this shape: grey or colour ones."""
  return image_shape[-1] in (1, 3)


def decode_files(files, image_shape, dataset_config):
  """Decodes PNG, JPEG, GIF (its first frame) and BMP files.

  Args:
    files: string Tensor `[N]`, the files' bytes.
    image_shape: `(H, W, C)`, ints, C being 1 or 3.
    dataset_config: an object with `image_size`, `resize` and `crop_from`, see
      `configs/base.py`. A random crop becomes one of the centre.

  Returns:
    uint8 Tensor `[N, H, W, C]`. A file of another size after this resizing, or one that is no
    picture, is an InvalidArgumentError when the graph runs.
  """
  height, width, channels = image_shape
  resize = dataset_config.resize.replace('random_crop', 'center_crop')

  def decode(file):
    image = tf.io.decode_image(file, channels=3, expand_animations=False)
    image = tf.ensure_shape(image, [None, None, 3])
    if channels == 1:
      image = image_sizes.to_grey(image)
    image = image_sizes.fit(
        image, dataset_config.image_size, resize,
        dataset_config.crop_from or dataset_config.image_size)
    image = requests.require(
        tf.reduce_all(tf.equal(tf.shape(image), image_shape)),
        f'the model takes pictures of {height} x {width} pixels (height x width) and resizes none '
        'to it', tf.shape(image)[:2], image)
    return tf.reshape(image, image_shape)

  files = requests.require(
      tf.size(files) > 0, 'image_bytes must hold at least one file', tf.shape(files), files)
  return tf.map_fn(decode, files, fn_output_signature=tf.TensorSpec(image_shape, tf.uint8))
