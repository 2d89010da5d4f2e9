"""A .npz file with x_train, y_train, x_test and y_test, as Keras' own data sets have them."""

import os
import zipfile
import zlib

import numpy as np

from tfp_glow import errors
from tfp_glow.data import array_reader

__all__ = ['read_npz']


def read_npz(path):
  """A reader of a .npz file.

  Args:
    path: str, the file, or a folder with just one such file.

  Returns:
    `ArrayReader`. x_train and x_test are uint8 [N, H, W] or [N, H, W, C]; y_train and y_test,
    which may be absent, whole numbers from 0, [N] or [N, 1].

  Raises:
    UserError: if the file is missing or cannot be used.
  """
  path = _find(path)
  try:
    # Nothing is unpickled: a file of another's making runs nothing here.
    with np.load(path, allow_pickle=False) as file:
      arrays = {name: file[name] for name in ('x_train', 'y_train', 'x_test', 'y_test')
                if name in file.files}
      found = ', '.join(file.files)
  except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
    raise errors.UserError(f'{path} cannot be read as a .npz file: {error}') from error
  if not {'x_train', 'x_test'} <= arrays.keys():
    raise errors.UserError(f'{path} has no arrays x_train and x_test, but: {found}')
  return array_reader.ArrayReader(path, {
      split: (_images(path, arrays, split), _labels(path, arrays, split))
      for split in ('train', 'test')})


def _find(path):
  if not os.path.isdir(path):
    return path
  names = sorted(name for name in os.listdir(path) if name.lower().endswith('.npz'))
  if len(names) != 1:
    raise errors.UserError(f'dataset.data_dir={path!r} holds {len(names)} .npz files; name one of '
                           f'them there{": " + ", ".join(names[:9]) if names else ""}')
  return os.path.join(path, names[0])


def _images(path, arrays, split):
  pixels = arrays[f'x_{split}']
  if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or not pixels.size:
    raise errors.UserError(
        f'{path}: x_{split} must be uint8 of the shape [N, H, W] or [N, H, W, C], of at least one '
        f'image; received {pixels.dtype.name} of the shape {pixels.shape}')
  return pixels if pixels.ndim == 4 else pixels[..., None]


def _labels(path, arrays, split):
  labels, num = arrays.get(f'y_{split}'), len(arrays[f'x_{split}'])
  if labels is None:
    return None
  if labels.shape not in ((num,), (num, 1)) or labels.dtype.kind not in 'iu' or not (
      0 <= labels.min() and labels.max() < 2**31):
    raise errors.UserError(
        f'{path}: y_{split} must be {num} whole numbers from 0; received {labels.dtype.name} of '
        f'the shape {labels.shape}')
  return labels.reshape(-1)
