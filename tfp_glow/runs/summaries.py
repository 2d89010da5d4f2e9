"""TensorBoard summaries that are written without TensorBoard.

`tf.summary.scalar` and `image` live in the package tensorboard, which TensorFlow
no longer brings along. A run should not fail for want of what is only needed to look
at it.
"""

import tensorflow as tf

__all__ = ['image', 'scalar']


def scalar(name, value):
  """Writes a number to the default writer at its default step."""
  _write(name, tf.constant(value, tf.float32), 'scalars')


def image(name, pixels):
  """Writes an image, uint8 `[H, W, C]`, to the default writer at its default step."""
  height, width = pixels.shape[:2]
  png = tf.io.encode_png(pixels)
  # The format of TensorBoard's image plugin: width, height, then the files.
  _write(name, tf.stack([tf.as_string(width), tf.as_string(height), png]), 'images')


def _write(name, tensor, plugin):
  metadata = tf.compat.v1.SummaryMetadata()
  metadata.plugin_data.plugin_name = plugin
  tf.summary.write(name, tensor, metadata=metadata)
