"""BMP files in the graph: TensorFlow's decoder knows neither palettes nor fewer than 8 bits."""

import typing

import tensorflow as tf

from tfp_glow.data.pictures import octets
from tfp_glow.data.pictures import opacity

__all__ = ['Header', 'decode', 'is_whole', 'read_header']

_CORE = 12  # Bytes of the oldest header.
_UNCOMPRESSED, _MASKS = 0, 3
_MASKS_OF_BGR = (0xff0000, 0xff00, 0xff)


class Header(typing.NamedTuple):
  """What a file says of its pixels.

  Attributes:
    length: int64 scalar Tensor, bytes of this header.
    is_core: bool scalar Tensor, whether it is the oldest one.
    size: int64 Tensor [2], height and width.
    is_upright: bool scalar Tensor, whether the first row is the highest.
    bits: int64 scalar Tensor, of a pixel.
    has_opacity: bool scalar Tensor.
    is_known: bool scalar Tensor, whether `decode` reads this kind: uncompressed and of 1, 2, 4,
      8, 24 or 32 bits.
  """

  length: tf.Tensor
  is_core: tf.Tensor
  size: tf.Tensor
  is_upright: tf.Tensor
  bits: tf.Tensor
  has_opacity: tf.Tensor
  is_known: tf.Tensor


def read_header(file):
  """The `Header` of a file, `Octets`."""
  length = file.unsigned(14, 4)
  is_core = tf.equal(length, _CORE)
  bits = octets.choose(is_core, file.unsigned(24, 2), file.unsigned(28, 2))
  compression = octets.choose(is_core, _UNCOMPRESSED, file.unsigned(30, 4))
  height = octets.choose(is_core, file.unsigned(20, 2), file.signed(22))
  width = octets.choose(is_core, file.unsigned(18, 2), file.signed(18))

  has_masks = tf.equal(compression, _MASKS) & tf.equal(bits, 32)
  for k, mask in enumerate(_MASKS_OF_BGR):
    has_masks &= tf.equal(file.unsigned(54 + 4 * k, 4), mask)
  has_opacity = has_masks & (length >= 56) & tf.equal(file.unsigned(66, 4), 0xff000000)
  is_plain = tf.equal(compression, _UNCOMPRESSED) & tf.reduce_any(
      tf.equal(bits, [1, 2, 4, 8, 24, 32]))
  return Header(length, is_core, tf.stack([tf.abs(height), width]), ~is_core & (height < 0), bits,
                has_opacity, (is_core | (length >= 40)) & (is_plain | has_masks))


def _rows(file, header):
  """Where the pixels begin, and the bytes of a row."""
  return file.unsigned(10, 4), (header.size[1] * header.bits + 31) // 32 * 4


def is_whole(file, header):
  """Whether a file does not end before its pixels do, bool scalar Tensor."""
  start, stride = _rows(file, header)
  # Not as a product, which could overflow.
  return (start <= file.size) & (
      header.size[0] <= (file.size - start) // tf.maximum(stride, 1))


def decode(file, header):
  """The picture of a file that `is_whole` and whose header `is_known`.

  Args:
    file: `Octets`.
    header: its `Header`.

  Returns:
    uint8 Tensor [H, W, 3], over white.
  """
  (height, width), bits = tf.unstack(header.size), header.bits
  start, stride = _rows(file, header)
  rows = tf.reshape(file.slice(start, start + stride * height), [height, stride])
  rows = tf.ensure_shape(rows[::tf.where(header.is_upright, 1, -1)], [None, None])

  def of_palette():
    shifts = tf.cast(8 - bits * tf.range(1, 8 // bits + 1), tf.uint8)
    mask = tf.cast(tf.bitwise.left_shift(tf.constant(1, tf.int64), bits) - 1, tf.uint8)
    index = tf.bitwise.bitwise_and(tf.bitwise.right_shift(rows[..., None], shifts), mask)
    index = tf.reshape(index, [height, -1])[:, :width]
    return tf.gather(_palette(file, header), tf.cast(index, tf.int32))

  def of_colours():
    channels = bits // 8
    pixels = tf.reshape(rows[:, :width * channels], [height, width, channels])
    colours = pixels[..., 2::-1]
    return tf.cond(
        header.has_opacity,
        lambda: opacity.over_white(tf.concat([colours, pixels[..., 3:]], -1)), lambda: colours)

  return tf.cond(bits <= 8, of_palette, of_colours)


def _palette(file, header):
  """The colours, uint8 Tensor [256, 3]; black where the file has fewer."""
  entry = octets.choose(header.is_core, 3, 4)
  most, used = tf.bitwise.left_shift(tf.constant(1, tf.int64), header.bits), file.unsigned(46, 4)
  # What is named as used may be more than there is, and 0 stands for all.
  is_all = header.is_core | tf.equal(used, 0) | (used > most)
  start = 14 + header.length
  entries = file.slice(start, start + entry * octets.choose(is_all, most, used))
  colours = tf.reshape(entries, [-1, entry])[:, 2::-1]
  return tf.pad(colours, [[0, 256 - tf.shape(colours)[0]], [0, 0]])
