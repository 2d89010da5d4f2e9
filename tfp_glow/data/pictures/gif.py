"""The first frame of a GIF file, in the graph.

TensorFlow's decoder reads all frames, gives the first without its place on the screen and with
black for what is transparent. Here the first frame is found in the file and its data alone are
handed to that decoder, with a palette that gives every index as a colour of its own.
"""

import typing

import tensorflow as tf

from tfp_glow.data.pictures import octets

__all__ = ['Frame', 'alone', 'find_frame', 'place']

_EXTENSION, _IMAGE = 0x21, 0x2C
_CONTROL = 0xF9  # The extension that names the transparent colour.
_WINDOW = 512  # Sub-blocks looked at together, where they have one size.
_MAX_WALK = 4096  # Looks. A frame has sub-blocks of 255 bytes, all of them but the last.
_MAX_EXTENSIONS = 256  # Before the first frame.

_BYTES = [bytes([k]) for k in range(256)]
_RAMP = b''.join(3 * byte for byte in _BYTES)  # The palette in which index k is (k, k, k).


class Frame(typing.NamedTuple):
  """The first image of a file.

  Attributes:
    position: int64 scalar Tensor, where its descriptor stands; -1 if there is none.
    transparent: int64 scalar Tensor, index of its transparent colour, or -1.
    corner, size: int64 Tensors [2], top and left, height and width.
    screen: int64 Tensor [2], height and width of the screen, or of what the frame needs.
    flags: int64 scalar Tensor, the byte of its descriptor that says what follows.
    data, end: int64 scalar Tensors, where its data begin and end; the latter is -1 where they do
      not end in the file.
  """

  position: tf.Tensor
  transparent: tf.Tensor
  corner: tf.Tensor
  size: tf.Tensor
  screen: tf.Tensor
  flags: tf.Tensor
  data: tf.Tensor
  end: tf.Tensor


def _skip_blocks(file, position):
  """The position behind a chain of sub-blocks, or -1 where it does not end in the file.

  A chain is walked in strides over sub-blocks of one size.
  """
  def is_unfinished(position, looks):
    return (position < file.size) & (file.unsigned(position, 1) > 0) & (looks < _MAX_WALK)

  def walk(position, looks):
    size = file.unsigned(position, 1)
    places = position + (size + 1) * tf.range(_WINDOW, dtype=tf.int64)
    sizes = tf.cast(file.gather(tf.minimum(places, file.size - 1)), tf.int64)
    is_alike = tf.equal(sizes, size) & (places < file.size)
    count = tf.reduce_sum(tf.math.cumprod(tf.cast(is_alike, tf.int64)))
    return position + (size + 1) * count, looks + 1

  position, _ = tf.while_loop(
      is_unfinished, walk, (tf.cast(position, tf.int64), tf.constant(0)), parallel_iterations=1)
  is_end = (position < file.size) & tf.equal(file.unsigned(position, 1), 0)
  return octets.choose(is_end, position + 1, -1)


def _table_size(flags):
  """Bytes of the colour table that a byte of flags announces."""
  size = 3 * tf.bitwise.left_shift(tf.constant(2, tf.int64), flags % 8)
  return octets.choose(flags >= 128, size, 0)


def find_frame(file):
  """The first `Frame` of a file, `Octets`."""
  def is_extension(position, transparent, number):
    del transparent
    return (position >= 0) & tf.equal(file.unsigned(position, 1), _EXTENSION) & (
        number < _MAX_EXTENSIONS)

  def skip(position, transparent, number):
    is_control = tf.equal(file.unsigned(position + 1, 1), _CONTROL)
    has_one = tf.equal(file.unsigned(position + 3, 1) % 2, 1)
    named = octets.choose(has_one, file.unsigned(position + 6, 1), -1)
    transparent = octets.choose(is_control, named, transparent)
    return _skip_blocks(file, position + 2), transparent, number + 1

  position, transparent, _ = tf.while_loop(
      is_extension, skip,
      (13 + _table_size(file.unsigned(10, 1)), tf.constant(-1, tf.int64), tf.constant(0)),
      parallel_iterations=1)
  position = octets.choose(tf.equal(file.unsigned(position, 1), _IMAGE), position, -1)
  left, top, width, height = (file.unsigned(position + offset, 2) for offset in (1, 3, 5, 7))
  corner, size = tf.stack([top, left]), tf.stack([height, width])
  screen = tf.stack([file.unsigned(8, 2), file.unsigned(6, 2)])
  screen = octets.choose(position >= 0, tf.maximum(screen, corner + size), screen)
  flags = file.unsigned(position + 9, 1)
  data = position + 10 + _table_size(flags)
  end = octets.choose(position >= 0, _skip_blocks(file, data + 1), -1)
  return Frame(position, transparent, corner, size, screen, flags, data, end)


def _two(value):
  """A number as two little-endian bytes, a string scalar."""
  return tf.gather(_BYTES, value % 256) + tf.gather(_BYTES, value // 256)


def alone(file, frame):
  """The first frame as a file of its own, with a palette in which index k is (k, k, k).

  Args:
    file: `Octets`.
    frame: its `Frame`, which ends in the file.

  Returns:
    string scalar Tensor.
  """
  size = _two(frame.size[1]) + _two(frame.size[0])
  interlaced = tf.gather(_BYTES, tf.bitwise.bitwise_and(frame.flags, 0x40))
  return tf.strings.join([
      b'GIF89a', size, b'\xf7\0\0', _RAMP, b',\0\0\0\0', size, interlaced,
      tf.strings.substr(file.contents, frame.data, frame.end - frame.data), b';'])


def place(file, frame, index):
  """The screen as the first frame leaves it.

  Args:
    file: `Octets`.
    frame: its `Frame`.
    index: uint8 Tensor [h, w, 3], what a decoder makes of `alone`.

  Returns:
    uint8 Tensor [H, W, 3], white where the frame is transparent and beside it.
  """
  colours = tf.gather(_palette(file, frame), tf.cast(index[..., 0], tf.int32))
  bottom, right = tf.unstack(frame.screen - frame.corner - frame.size)
  return tf.pad(colours, [[frame.corner[0], bottom], [frame.corner[1], right], [0, 0]],
                constant_values=255)


def _palette(file, frame):
  """The frame's colours, over white, uint8 Tensor [256, 3]."""
  is_own = frame.flags >= 128
  start = octets.choose(is_own, frame.position + 10, 13)
  size = _table_size(tf.where(is_own, frame.flags, file.unsigned(10, 1)))
  colours = tf.reshape(file.slice(start, start + size), [-1, 3])
  colours = tf.pad(colours, [[0, 256 - tf.shape(colours)[0]], [0, 0]])
  is_opaque = ~tf.equal(tf.range(256, dtype=tf.int64), frame.transparent)
  return tf.where(is_opaque[:, None], colours, 255)
