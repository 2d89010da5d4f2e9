"""What kind of picture a file is, from its first bytes and nothing of its name."""

import tensorflow as tf

__all__ = ['NAMES', 'OTHERS', 'READABLE', 'kind_of']

NAMES = ('PNG', 'JPEG', 'GIF', 'BMP')  # What the graph decodes.
READABLE = 'PNG, JPEG, GIF or BMP'  # The same, for messages.
# What it only knows by name; the last one is a file of no known kind.
OTHERS = ('WebP', 'TIFF', 'HEIC or AVIF', '')

# (kind, position, bytes) of what files begin with.
_SIGNS = (
    ('PNG', 0, b'\x89PNG\r\n\x1a\n'), ('JPEG', 0, b'\xff\xd8\xff'), ('GIF', 0, b'GIF87a'),
    ('GIF', 0, b'GIF89a'), ('BMP', 0, b'BM'), ('WebP', 8, b'WEBP'), ('TIFF', 0, b'II*\0'),
    ('TIFF', 0, b'MM\0*'), ('HEIC or AVIF', 4, b'ftyp'))


def kind_of(file):
  """Which of `NAMES` and, after them, `OTHERS` a file is.

  Args:
    file: `Octets`.

  Returns:
    int32 scalar Tensor.
  """
  names = NAMES + OTHERS
  kind = tf.constant(len(names) - 1)
  for name, position, sign in _SIGNS:
    kind = tf.where(file.starts_with(position, sign), names.index(name), kind)
  return kind
