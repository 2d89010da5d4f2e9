"""IDX files, the form of MNIST and all its siblings: Fashion-MNIST, KMNIST, EMNIST, QMNIST.

A file is: two bytes 0, a byte for the type of its numbers, a byte for how many dimensions it has,
each dimension as a big-endian uint32, and the numbers.
"""

import gzip
import math
import os
import re
import struct
import zlib

import numpy as np

from tfp_glow import errors
from tfp_glow.data import array_reader

__all__ = ['read_file', 'read_folder']

_TYPES = {0x08: '>u1', 0x09: '>i1', 0x0B: '>i2', 0x0C: '>i4', 0x0D: '>f4', 0x0E: '>f8'}
_SPLITS = {'train': 'train', 't10k': 'test', 'test': 'test'}

# emnist-letters-train-images-idx3-ubyte.gz, train-images.idx3-ubyte, qmnist-test-labels-idx2-int
_NAME = re.compile(r'(?P<set>.*?)[-_]?(?P<split>train|t10k|test)[-_](?P<what>images|labels)'
                   r'[-.]idx\d-(ubyte|int)(\.gz)?', re.IGNORECASE)


def read_file(path):
  """The array in one IDX file, plain or compressed by gzip, whatever its name says.

  Args:
    path: str.

  Returns:
    Read-only array of the file's type and shape.

  Raises:
    UserError: naming the file, if it cannot be read or is no IDX file.
  """
  try:
    with open(path, 'rb') as file:
      data = file.read()
    if data[:2] == b'\x1f\x8b':
      data = gzip.decompress(data)
  except (OSError, EOFError, zlib.error) as error:
    raise errors.UserError(f'{path} cannot be read: {error}') from error
  if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in _TYPES:
    raise errors.UserError(f'{path} is no IDX file: it begins with the bytes {data[:4].hex(" ")}')
  dtype, start = np.dtype(_TYPES[data[2]]), 4 + 4 * data[3]
  shape = struct.unpack(f'>{data[3]}I', data[4:start].ljust(4 * data[3], b'\0'))
  wanted = start + math.prod(shape) * dtype.itemsize
  if len(data) != wanted:
    raise errors.UserError(f'{path} is damaged: it holds {len(data)} bytes, and its header speaks '
                           f'of {wanted}')
  return np.frombuffer(data, dtype, offset=start).reshape(shape)


def _find(folder):
  """{name of a data set: {(split, 'images' or 'labels'): path}} of a folder."""
  found = {}
  for name in sorted(os.listdir(folder)):
    match = _NAME.fullmatch(name)
    if match:
      key = _SPLITS[match['split'].lower()], match['what'].lower()
      # Of a plain and a compressed copy the first is taken.
      found.setdefault(match['set'], {}).setdefault(key, os.path.join(folder, name))
  return found


def read_folder(folder, chosen=''):
  """A reader of the data set whose IDX files lie in a folder, with its own training and test split.

  Labels are those of the files. EMNIST stores its images with rows and columns exchanged (its
  files are named emnist-...): they are put upright.

  Args:
    folder: str.
    chosen: str, what the files' names begin with, where a folder holds several data sets, as
      that of EMNIST does.

  Returns:
    `ArrayReader`.

  Raises:
    UserError: if the folder or a file is missing or cannot be used.
  """
  try:
    found = _find(folder)
  except OSError as error:
    raise errors.UserError(f'dataset.data_dir={folder!r} cannot be read as a folder of IDX files: '
                           f'{error.strerror}') from error
  if chosen:
    found = {name: files for name, files in found.items() if name == chosen}
  if len(found) != 1:
    names = ', '.join(f'dataset.name=idx/{name}' for name in sorted(_find(folder)))
    if names:
      raise errors.UserError(f'{folder} holds IDX files of several data sets, of which one must be '
                             f'chosen: {names}')
    raise errors.UserError(f'{folder} holds no IDX files; names such as '
                           f'train-images-idx3-ubyte.gz are looked for')
  (name, files), = found.items()
  for split in ('train', 'test'):
    if (split, 'images') not in files:
      raise errors.UserError(f'{folder} holds no IDX file of {split} images' + (
          f' of {name}' if name else ''))
  is_transposed = name.lower().startswith('emnist')
  splits = {}
  for split in ('train', 'test'):
    pixels = _images(files[split, 'images'], is_transposed)
    labels = files.get((split, 'labels'))
    splits[split] = pixels, labels and _labels(labels, len(pixels))
  return array_reader.ArrayReader(folder, splits)


def _images(path, is_transposed):
  pixels = read_file(path)
  if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or not pixels.size:
    raise errors.UserError(f'{path} holds no 8-bit images: {pixels.dtype.name} of the shape '
                           f'{pixels.shape}')
  pixels = pixels.reshape(*pixels.shape[:3], -1)
  return pixels.swapaxes(1, 2) if is_transposed else pixels


def _labels(path, num):
  labels = read_file(path)
  if labels.ndim == 2:
    labels = labels[:, 0]  # QMNIST's further columns tell the writer.
  if labels.shape != (num,) or labels.dtype.kind not in 'iu' or labels.min() < 0:
    raise errors.UserError(f'{path} holds no labels for {num} images: {labels.dtype.name} of the '
                           f'shape {labels.shape}')
  return labels
