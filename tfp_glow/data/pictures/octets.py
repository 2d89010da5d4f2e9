"""The bytes of a file and the numbers in them, as operations of the graph."""

import tensorflow as tf

__all__ = ['Octets', 'choose']

_PADDING = 128  # Positions below it need no check of whether the file reaches so far.


def choose(condition, one, other):
  """int64 `one` where the condition holds, else `other`; tf.where would make ints int32."""
  return tf.where(condition, tf.cast(one, tf.int64), tf.cast(other, tf.int64))


class Octets:
  """A file in memory. What is read before its start or beyond its end is 0.

  Args:
    contents: string scalar Tensor.

  Attributes:
    contents: the same.
    size: int64 scalar Tensor, in bytes.
  """

  def __init__(self, contents):
    self.contents = contents
    self.size = tf.cast(tf.strings.length(contents), tf.int64)
    self._padded = contents + b'\0' * _PADDING
    self._raw = tf.io.decode_raw(self._padded, tf.uint8)

  def _within(self, position):
    """A position from which some bytes can be read."""
    if isinstance(position, int):
      return position
    return tf.where((position >= 0) & (position < self.size), position, self.size)

  def unsigned(self, position, size, big=False):
    """The unsigned integer of `size` bytes at a position.

    Args:
      position: int below 100, or int64 scalar Tensor.
      size: 1, 2 or 4.
      big: bool, or a bool scalar Tensor: whether the first byte counts most.

    Returns:
      int64 scalar Tensor.
    """
    digits = tf.slice(self._raw, [self._within(position)], [size])
    if big is True:
      digits = digits[::-1]
    elif big is not False:
      digits = tf.where(big, digits[::-1], digits)
    value = {1: lambda: digits[0], 2: lambda: tf.bitcast(digits, tf.uint16),
             4: lambda: tf.bitcast(digits, tf.uint32)}[size]()
    return tf.cast(value, tf.int64)

  def signed(self, position):
    """`unsigned` of 4 little-endian bytes, as the two's complement that they are."""
    value = self.unsigned(position, 4)
    return choose(value < 2**31, value, value - 2**32)

  def starts_with(self, position, text):
    """Whether the bytes `text` stand at a position, bool scalar Tensor."""
    return tf.equal(tf.strings.substr(self._padded, self._within(position), len(text)), text)

  def slice(self, start, end):
    """The bytes from a position up to a later one, uint8 Tensor [end - start]."""
    first, last = tf.minimum(start, self.size), tf.minimum(end, self.size)
    found = tf.slice(self._raw, [first], [last - first])
    return tf.pad(found, [[0, (end - start) - (last - first)]])

  def gather(self, positions):
    """Bytes at int64 positions that lie in the file, uint8 Tensor."""
    return tf.gather(self._raw, positions)

  def count(self, text):
    """How often two bytes stand one after the other, int64 scalar Tensor."""
    is_pair = tf.equal(self._raw[:-1], text[0]) & tf.equal(self._raw[1:], text[1])
    return tf.cast(tf.reduce_sum(tf.cast(is_pair, tf.int32)), tf.int64)
