"""Finds a data set by its name, preparing it first where that is still to do."""

import importlib
import os
import re

from tfp_glow import errors
from tfp_glow.data import fields as fields_lib
from tfp_glow.data import prepare
from tfp_glow.data import source

__all__ = ['EMBEDDED', 'OF_FILES', 'load']

EMBEDDED = ('mnist5k', 'photo_patches')
# Kinds whose `data_dir` is the user's own files, not where prepared ones lie.
OF_FILES = ('folder', 'idx', 'npz')
_BUILDERS = {'mnist5k': 'Mnist5k', 'photo_patches': 'PhotoPatches'}
_OFFLINE_NAMES = (', '.join(EMBEDDED) + ', and, with dataset.data_dir, files of your own: folder '
                  '(pictures), idx, npz')


def load(dataset_config, **fields):
  """Opens a data set.

      load('mnist5k')
      load('folder', data_dir='my_images', image_size=32, resize='center_crop')
      load(config.dataset)

  Args:
    dataset_config: a name, or the `dataset` part of a config: `mnist5k`, `photo_patches`,
      `folder` (picture files), `idx` (the files of MNIST and its siblings; `idx/NAME` where the
      folder holds several), `npz` (x_train, y_train, x_test, y_test) or any image data set of
      TFDS. fields.py lists all fields; those that a config lacks have their defaults.
    **fields: what else differs from the defaults, where a name is given.

  Returns:
    ImageSource.

  Raises:
    UserError: in one line, if the data set cannot be had: unknown, not prepared and not
      reachable (within 10 seconds), a missing or empty folder, a file that is no image, sizes
      that do not fit.
  """
  config = fields_lib.completed(dataset_config, **fields)
  return source.ImageSource(_reader(config), config)


def _reader(config):
  kind, _, chosen = config.name.partition('/')
  path = os.path.expanduser(config.data_dir)
  if kind == 'idx' or config.name == 'npz':
    if not path:
      raise errors.UserError(f'dataset.name={config.name} needs dataset.data_dir, where the files '
                             f'lie')
    from tfp_glow.data import idx  # pylint: disable=import-outside-toplevel
    from tfp_glow.data import npz  # pylint: disable=import-outside-toplevel
    return idx.read_folder(path, chosen) if kind == 'idx' else npz.read_npz(path)
  if config.name == 'folder':
    return _folder_reader(config, path)
  from tfp_glow.data import tfds_reader  # pylint: disable=import-outside-toplevel
  folder = prepare.data_dir(config.data_dir)
  if config.name in EMBEDDED:
    module = importlib.import_module(f'tfp_glow.data.{config.name}.builder')
    make = lambda: getattr(module, _BUILDERS[config.name])(data_dir=folder)
    builder = prepare.prepare(make, name=config.name, folder=folder, needs_download=False)
  else:
    builder = _public(config.name, folder)
  return tfds_reader.TfdsReader(builder, config.name)


def _folder_reader(config, path):
  from tfp_glow.data.folder import builder as builder_lib  # pylint: disable=import-outside-toplevel
  from tfp_glow.data.folder import files as files_lib  # pylint: disable=import-outside-toplevel
  from tfp_glow.data.folder import reader  # pylint: disable=import-outside-toplevel
  prepared = prepare.data_dir('')
  files = files_lib.FolderFiles.find(path)
  found = builder_lib.FolderImages(
      files, config.image_size, config.resize, config.crop_from or config.image_size,
      config.skip_broken)
  make = lambda: builder_lib.ImageFolder(found, data_dir=prepared)
  builder = prepare.prepare(make, name='folder', folder=prepared, needs_download=False)
  return reader.FolderReader(builder, files, is_sized=config.resize != 'random_crop')


def _public(name, folder):
  """The prepared builder of a data set of TFDS."""
  import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
  if re.match(r'\w+:[a-zA-Z]', name):
    raise errors.UserError(
        f'dataset.name={name!r}: data sets of others, such as those of Hugging Face, are not read '
        f'by name. {prepare.own_files()}')
  try:
    make = lambda: tfds.builder(name, data_dir=folder)
    make()
  except Exception as error:
    what = ('is not a data set of TensorFlow Datasets'
            if isinstance(error, tfds.core.DatasetNotFoundError) else
            f'cannot be opened by TensorFlow Datasets ({_first_line(error)})')
    raise errors.UserError(f'dataset.name={name!r} {what}; data sets that need no download: '
                           f'{_OFFLINE_NAMES}') from error
  return prepare.prepare(make, name=name, folder=folder, needs_download=True)


def _first_line(error):
  lines = str(error).strip().splitlines() or ['']
  return f'{type(error).__name__}: {lines[0][:300]}'
