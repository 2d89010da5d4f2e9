"""Finds a data set by its name and tells what images it holds."""

import importlib
import os

import numpy as np
import tensorflow as tf

from tfp_glow.data import images
from tfp_glow.data import prepare
from tfp_glow import errors

EMBEDDED = ('mnist5k', 'photo_patches')
_BUILDERS = {'mnist5k': 'Mnist5k', 'photo_patches': 'PhotoPatches'}
_OFFLINE_NAMES = (', '.join(EMBEDDED) +
                  ', folder (dataset.name=folder, dataset.data_dir=your images)')

_MEMORY_LIMIT = 2**30  # Bytes. Splits that are smaller, decoded, are kept in memory.
_HELD_OUT_PERCENT = 10


class ImageSource:
  """The images of one data set, at one size.

  Made by `load`. `train_batches` and `eval_batches` read from it.

  Attributes:
    name: str, the data set's name as in the config.
    image_shape: tuple (H, W, C) of ints.
    num_classes: int, or None where the data set has no labels.
    builder: the prepared `tfds.core.DatasetBuilder`.
    shift: int, pixels, and flip: bool: the augmentation that the config asks for.
    shuffle_buffer: int, images; used where a split does not fit into memory.
  """

  def __init__(self, builder, dataset_config):
    config = dataset_config
    self.name = config.name
    self.builder = builder
    self.shift = config.shift
    self.flip = config.flip
    self.shuffle_buffer = config.shuffle_buffer
    self._resize = config.resize
    self._scale_to = config.crop_from or config.image_size
    self._splits = _splits(builder, self.name)
    self._arrays = {}
    features = builder.info.features
    names = features.keys() if hasattr(features, 'keys') else ()
    image = features['image'] if 'image' in names else None
    if image is None or image.np_dtype != np.uint8 or len(image.shape) != 3:
      raise errors.UserError(f"data set {self.name!r} has no 8-bit image under the name 'image', "
                             f'but: {features}')
    self.num_classes = getattr(features['label'], 'num_classes', None) if 'label' in names else None
    self.image_shape = _image_shape(image.shape, config)

  def num_examples(self, split):
    """Number of images in a split, 'train' or 'test'."""
    return self.builder.info.splits[self._splits[split]].num_examples

  def fits_memory(self, split):
    """Whether the decoded images of a split are few enough to keep in memory."""
    size = self.num_examples(split) * int(np.prod(self.image_shape))
    return self._resize != 'random_crop' and size <= _MEMORY_LIMIT

  def records(self, split):
    """The examples of a split, undecoded, in an order that never changes.

    Args:
      split: 'train' or 'test'.

    Returns:
      tf.data.Dataset of {'image': the encoded image, a scalar string, 'label': int32 scalar},
      `label` being 0 where the data set has none. `decode` turns 'image' into pixels.
    """
    import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
    dataset = self.builder.as_dataset(
        split=self._splits[split],
        shuffle_files=False,
        read_config=tfds.ReadConfig(try_autocache=False),
        decoders={'image': tfds.decode.SkipDecoding()})

    def example(record):
      label = record['label'] if self.num_classes is not None else 0
      return {'image': record['image'], 'label': tf.cast(label, tf.int32)}

    return dataset.map(example, num_parallel_calls=1)

  def decode(self, encoded, position=(0.5, 0.5)):
    """Pixels of one image.

    Args:
      encoded: scalar string Tensor, as `records` has it.
      position: float32 Tensor [2] in [0, 1), the place of a random crop.

    Returns:
      uint8 Tensor of shape `image_shape`.
    """
    image = self.builder.info.features['image'].decode_example(encoded)
    image = images.fit(image, self.image_shape[0], self._resize, self._scale_to, position)
    return tf.ensure_shape(image, self.image_shape)

  def arrays(self, split):
    """All images and labels of a split that `fits_memory`, read once.

    Returns:
      (uint8 Tensor [N, H, W, C], int32 Tensor [N]) in host memory, in the order of `records`.
    """
    if split in self._arrays:
      return self._arrays[split]
    num = self.num_examples(split)
    pixels = np.empty((num, *self.image_shape), np.uint8)
    labels = np.empty([num], np.int32)
    decoded = self.records(split).map(
        lambda record: {'image': self.decode(record['image']), 'label': record['label']},
        num_parallel_calls=tf.data.AUTOTUNE)
    start = 0
    for batch in decoded.batch(512).as_numpy_iterator():
      end = start + len(batch['label'])
      pixels[start:end], labels[start:end] = batch['image'], batch['label']
      start = end
    with tf.device('CPU'):
      self._arrays[split] = tf.constant(pixels), tf.constant(labels)
    return self._arrays[split]


def _splits(builder, name):
  """Maps 'train' and 'test' to what TFDS calls them.

  Where there is no 'test' split, 'validation' is used; where there is neither, the last tenth
  of 'train' is held out.
  """
  names = list(builder.info.splits)
  if 'train' not in names:
    raise errors.UserError(f"data set {name!r} has no 'train' split, but: {', '.join(names)}")
  for test in ('test', 'validation'):
    if test in names:
      return {'train': 'train', 'test': test}
  kept = 100 - _HELD_OUT_PERCENT
  return {'train': f'train[:{kept}%]', 'test': f'train[{kept}%:]'}


def _image_shape(native, config):
  """(H, W, C) of the images after resizing; refuses what cannot be."""
  height, width, channels = native
  if config.resize == 'none':
    if height is None or width is None:
      raise errors.UserError(f'the images of data set {config.name!r} differ in size; set '
                             f'dataset.image_size and dataset.resize=center_crop')
    if config.image_size and (height, width) != (config.image_size, config.image_size):
      raise errors.UserError(
          f'the images of data set {config.name!r} are {height}x{width}, and '
          f'dataset.image_size={config.image_size} is asked for; set dataset.resize to one of '
          f'{", ".join(images.RESIZES[1:])}')
    return height, width, channels
  return config.image_size, config.image_size, channels


def _check(config):
  """Refuses a dataset config that makes no sense by itself."""
  if config.resize not in images.RESIZES:
    raise errors.UserError(f'dataset.resize={config.resize!r} is not known; use one of '
                           f'{", ".join(images.RESIZES)}')
  if config.resize != 'none' and config.image_size <= 0:
    raise errors.UserError(f'dataset.resize={config.resize} needs dataset.image_size, the side of '
                           f'the images in pixels; received {config.image_size}')
  if config.crop_from and config.crop_from < config.image_size:
    raise errors.UserError(f'dataset.crop_from={config.crop_from} is smaller than '
                           f'dataset.image_size={config.image_size}; a crop cannot be larger than '
                           f'the image it is cut from')
  if config.shift < 0 or config.shuffle_buffer < 1:
    raise errors.UserError(f'dataset.shift={config.shift} must be at least 0 and '
                           f'dataset.shuffle_buffer={config.shuffle_buffer} at least 1')


def _builder(config):
  """The prepared builder that a config names."""
  import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
  folder = prepare.data_dir('' if config.name == 'folder' else config.data_dir)
  if config.name in EMBEDDED:
    module = importlib.import_module(f'tfp_glow.data.{config.name}.builder')
    make = lambda: getattr(module, _BUILDERS[config.name])(data_dir=folder)
  elif config.name == 'folder':
    from tfp_glow.data.folder import builder as own  # pylint: disable=import-outside-toplevel
    found = own.FolderImages.find(os.path.expanduser(config.data_dir), config.image_size,
                                  config.resize, config.crop_from or config.image_size)
    make = lambda: own.ImageFolder(found, data_dir=folder)
  else:
    make = lambda: tfds.builder(config.name, data_dir=folder)
  try:
    return prepare.prepare(make, name=config.name, folder=folder,
                           needs_download=config.name not in EMBEDDED + ('folder',),
                           offline_names=_OFFLINE_NAMES)
  except (tfds.core.DatasetNotFoundError, ValueError) as error:
    what = ('is not a data set of TensorFlow Datasets'
            if isinstance(error, tfds.core.DatasetNotFoundError) else
            f'cannot be opened by TensorFlow Datasets ({str(error).strip().splitlines()[0]})')
    raise errors.UserError(f'dataset.name={config.name!r} {what}; data sets that need no download: '
                           f'{_OFFLINE_NAMES}') from error


def load(dataset_config):
  """Opens the data set that a config names, preparing it first where that is still to do.

  Args:
    dataset_config: the `dataset` part of a config: `name` (`mnist5k`, `photo_patches`, `folder`
      or any image data set of TFDS), `data_dir` (where prepared data sets lie, '' for TFDS'
      default; for `folder`, the folder of images), `image_size`, `resize`, `crop_from`, `shift`,
      `flip`, `shuffle_buffer`.

  Returns:
    ImageSource.

  Raises:
    UserError: in one line, if the data set cannot be had: unknown, not prepared and not
      reachable (within 10 seconds), a missing or empty folder, a file that is no image, sizes
      that do not fit.
  """
  _check(dataset_config)
  return ImageSource(_builder(dataset_config), dataset_config)
