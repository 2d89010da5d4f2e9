"""Images of other kinds than a model's own, at its size and with its channels."""

import copy
import itertools

import numpy as np

from tfp_glow import data
from tfp_glow import errors
from tfp_glow import progress
from tfp_glow.data import images as image_lib
from tfp_glow.data import named

__all__ = ['DERIVED', 'load_others', 'read']

# Made of the test images themselves.
DERIVED = {
    'inverted': lambda images: 255 - images,
    'dim': lambda images: images // 4,
    'constant': lambda images: np.broadcast_to(
        np.uint8(np.round(images.mean((1, 2), keepdims=True))), images.shape).copy(),
    'black': np.zeros_like,
}


def load_others(name, dataset_config, images, max_images):
  """The images that a name of --ood_dataset stands for.

  Args:
    name: str, a key of `DERIVED`; `folder:PATH`, for picture files, `idx:PATH` and `npz:PATH`
      likewise; or a data set as `dataset.name` takes it, of which the test split is used. Its
      images are sized as a server sizes files: as the run's config says or, where that resizes
      none and they have another size than the model's, cut to a central square and scaled; then
      colours become grey, or grey is repeated, as the model's images need it.
    dataset_config: the `dataset` part of the run's config.
    images: uint8 array `[N, H, W, C]`, the run's own test images.
    max_images: int.

  Returns:
    uint8 array `[M, H, W, C]`.

  Raises:
    UserError: if the data set cannot be had.
    UserError: if its channels cannot be made the model's.
  """
  if name in DERIVED:
    return DERIVED[name](images)
  height, width, channels = images.shape[1:]
  others = read(_load(_config(name, dataset_config, max(height, width)), images.shape[1:3]),
                'test', max_images)
  top, left = (others.shape[1] - height) // 2, (others.shape[2] - width) // 2
  others = others[:, top:top + height, left:left + width]
  if others.shape[-1] == 3 and channels == 1:
    return image_lib.to_grey(others).numpy()
  if others.shape[-1] == 1:
    return np.repeat(others, channels, -1)
  if others.shape[-1] != channels:
    raise errors.UserError(
        f'--ood_dataset={name} has images of {others.shape[-1]} channels, which cannot be made '
        f'those of the model, {channels}; choose a grey data set or one of {channels} channels.')
  return others


def read(source, split, max_images, batch_size=500):
  """The first images of a split, uint8 array `[N, H, W, C]`."""
  found = []
  num_batches = -(-min(max_images, source.num_examples(split)) // batch_size)
  batches = data.eval_batches(source, split=split, batch_size=batch_size).as_numpy_iterator()
  for batch in progress.progress(
      itertools.islice(batches, num_batches), num_batches, f'reading {split} images'):
    found.append(batch['image'][batch['mask'] > 0])
  return np.concatenate(found)[:max_images]


def _load(config, size):
  """The data set; images of the model's size that are not square have no square cut out of them."""
  if size[0] != size[1]:
    unsized = copy.deepcopy(config)
    unsized.image_size, unsized.resize = 0, 'none'
    try:
      source = data.load(unsized)
      if source.image_shape[:2] == tuple(size):
        return source
    except errors.UserError:
      pass  # They differ in size, or cannot be had at all, which is said next.
  return data.load(config)


def _config(name, dataset_config, size):
  config = copy.deepcopy(dataset_config)
  if config.resize == 'none':
    config.image_size, config.resize, config.crop_from = size, 'center_crop', 0
  config.shift, config.flip = 0, False
  config.validation_percent = 0  # Nothing is trained with them.
  kind, colon, path = name.partition(':')
  if colon and _files_of(kind):
    config.name, config.data_dir = kind, path
  else:
    config.name = name
    if _files_of(name) != _files_of(dataset_config.name):
      # The run's own files are no place to prepare others in.
      config.data_dir = ''
  return config


def _files_of(name):
  """Which of `named.OF_FILES` a data set is, or None."""
  kind = name.partition('/')[0]
  return kind if kind in named.OF_FILES else None
