"""The `dataset` part of a config: its fields and their defaults, the only place that has them."""

import os
import types

from tfp_glow import errors

__all__ = ['RESIZES', 'completed', 'defaults']

RESIZES = ('none', 'center_crop', 'random_crop', 'pad')

_MAX_VALIDATION = 90  # Percent.


def defaults():
  """{field: default} of all fields, in the order in which they are shown."""
  return dict(
      # mnist5k, photo_patches, folder, idx, npz, or any image data set of TFDS.
      name='mnist5k',
      # For folder, idx and npz where the images lie, else where prepared data sets do ('': TFDS'
      # default).
      data_dir='',
      image_size=0,  # Side in pixels after resizing; 0: as it is.
      resize='none',  # none, center_crop, random_crop, pad.
      crop_from=0,  # Length the shorter side is scaled to before a crop; 0: image_size.
      skip_broken=False,  # Leave out and count files of a folder that cannot be read.
      # Of the training images, held out as the split `validation`. 0, for a run that stops at its
      # last step has no use for one and would train on fewer images; 10 where it stops early.
      # A data set that has a split of this name beside its test split keeps it.
      validation_percent=0,
      shift=0,  # Augmentation: random shifts of up to so many pixels.
      flip=False,  # Augmentation: mirror left and right, every second time.
      shuffle_buffer=10_000,  # Images; for data sets that do not fit into memory.
  )


def completed(dataset_config, **fields):
  """All fields of a config, those that it lacks by their defaults.

  Args:
    dataset_config: the `dataset` part of a config, of this version or an earlier one; or a str,
      the data set's name.
    **fields: what else differs from the defaults, where a name is given.

  Returns:
    types.SimpleNamespace.

  Raises:
    UserError: for a value that makes no sense.
    TypeError: for a field that there is not, or fields beside a config.
  """
  values = defaults()
  if isinstance(dataset_config, str):
    unknown = set(fields) - set(values) - {'name'}
    if unknown:
      raise TypeError(f'a data set has no field {min(unknown)!r}, but: {", ".join(values)}')
    values.update(fields, name=dataset_config)
  elif fields:
    raise TypeError('fields go with the name of a data set, not with a config')
  else:
    values = {name: getattr(dataset_config, name, value) for name, value in values.items()}
  config = types.SimpleNamespace(**values)
  config.data_dir = os.fspath(config.data_dir)
  _check(config)
  return config


def _check(config):
  """Refuses values that make no sense whatever the data set."""
  for name, value in defaults().items():
    given = getattr(config, name)
    if not isinstance(given, type(value)) or isinstance(given, bool) != isinstance(value, bool):
      raise errors.UserError(
          f'dataset.{name}={given!r} must be {type(value).__name__}, as {value!r} is')
  if config.resize not in RESIZES:
    raise errors.UserError(f'dataset.resize={config.resize!r} must be one of {", ".join(RESIZES)}')
  if config.resize != 'none' and config.image_size < 1:
    raise errors.UserError(f'dataset.resize={config.resize} needs dataset.image_size, the side of '
                           f'the images in pixels; received {config.image_size}')
  if config.crop_from and config.crop_from < config.image_size:
    raise errors.UserError(f'dataset.crop_from={config.crop_from} is smaller than '
                           f'dataset.image_size={config.image_size}; a crop cannot be larger than '
                           f'the image it is cut from')
  if config.shift < 0 or config.shuffle_buffer < 1:
    raise errors.UserError(f'dataset.shift={config.shift} must be at least 0 and '
                           f'dataset.shuffle_buffer={config.shuffle_buffer} at least 1')
  if not 0 <= config.validation_percent <= _MAX_VALIDATION:
    raise errors.UserError(f'dataset.validation_percent={config.validation_percent} must be from 0 '
                           f'to {_MAX_VALIDATION}')
