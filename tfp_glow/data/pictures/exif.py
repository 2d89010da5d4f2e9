"""Which way up a camera says that a picture is, read in the graph."""

import tensorflow as tf

from tfp_glow.data.pictures import octets

__all__ = ['jpeg_orientation', 'png_chunks', 'turn']

_TAG = 0x0112
_MAX_PARTS = 1000  # Looked at before the pixels; files have about ten.


def _orientation(file, start):
  """The Exif orientation, int64 from 1 to 8, of a block at a position; 1 for position -1."""
  big = file.starts_with(start, b'MM')
  read = lambda position, size: file.unsigned(position, size, big)
  directory = start + read(start + 4, 4)
  count = tf.clip_by_value(read(directory, 2), 0, tf.maximum(file.size - directory, 0) // 12)

  def is_other(entry):
    return (entry < count) & ~tf.equal(read(directory + 2 + 12 * entry, 2), _TAG)

  entry, = tf.while_loop(is_other, lambda entry: (entry + 1,), (tf.constant(0, tf.int64),))
  value = read(directory + 2 + 12 * entry + 8, 2)
  is_found = (start >= 0) & (entry < count) & (value >= 1) & (value <= 8)
  return octets.choose(is_found, value, 1)


def jpeg_orientation(file):
  """The orientation in the Exif segment of a JPEG file.

  Args:
    file: `Octets`.

  Returns:
    int64 scalar Tensor, 1 to 8; 1, upright, where the file says none.
  """
  def is_before(position, found, number):
    marker = file.unsigned(position, 2, big=True)
    # 0xFFDA: the pixels follow. 0xFFD9: the end.
    return (found < 0) & (number < _MAX_PARTS) & (marker >= 0xFF00) & ~(
        tf.equal(marker, 0xFFDA) | tf.equal(marker, 0xFFD9))

  def skip(position, found, number):
    is_exif = file.starts_with(position, b'\xff\xe1') & file.starts_with(
        position + 4, b'Exif\0\0')
    # A marker may have any number of bytes 0xFF before it.
    step = octets.choose(file.starts_with(position, b'\xff\xff'), 1,
                         2 + file.unsigned(position + 2, 2, big=True))
    return position + step, octets.choose(is_exif, position + 10, found), number + 1

  _, found, _ = tf.while_loop(is_before, skip, (
      tf.constant(2, tf.int64), tf.constant(-1, tf.int64), tf.constant(0)))
  return _orientation(file, found)


def png_chunks(file):
  """What the chunks of a PNG file before its pixels say.

  Args:
    file: `Octets`.

  Returns:
    (orientation, int64 scalar as `jpeg_orientation` has it; whether a colour or parts of the
    palette are transparent, bool scalar).
  """
  def is_before(position, exif, is_transparent, number):
    del exif, is_transparent
    return (position < file.size) & (number < _MAX_PARTS) & ~file.starts_with(
        position + 4, b'IDAT')

  def skip(position, exif, is_transparent, number):
    return (position + 12 + file.unsigned(position, 4, big=True),
            octets.choose(file.starts_with(position + 4, b'eXIf'), position + 8, exif),
            is_transparent | file.starts_with(position + 4, b'tRNS'), number + 1)

  _, exif, is_transparent, _ = tf.while_loop(is_before, skip, (
      tf.constant(8, tf.int64), tf.constant(-1, tf.int64), tf.constant(False), tf.constant(0)))
  return _orientation(file, exif), is_transparent


def turn(image, orientation):
  """An image turned upright.

  Args:
    image: Tensor [H, W, C].
    orientation: int64 scalar Tensor, 1 to 8.

  Returns:
    Tensor [H, W, C] or [W, H, C].
  """
  is_one_of = lambda *values: tf.reduce_any(tf.equal(orientation, values))
  image = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
  down = tf.where(is_one_of(3, 4, 7, 8), -1, 1)
  right = tf.where(is_one_of(2, 3, 6, 7), -1, 1)
  return tf.ensure_shape(image[::down, ::right], [None, None, image.shape[-1]])
