"""The images of a data set at the size that a config asks for, split for training."""

import numpy as np
import tensorflow as tf

from tfp_glow import errors
from tfp_glow import progress
from tfp_glow.data import fields
from tfp_glow.data import images
from tfp_glow.data import untuned

__all__ = ['ImageSource']

_MEMORY_LIMIT = 2**30  # Bytes. Splits that are smaller, decoded, are kept in memory.
_READ_AT_ONCE = 512  # Images.


class ImageSource:
  """The images of one data set, at one size.

  Made by `load`. `train_batches` and `eval_batches` read from it. Its splits are 'train', 'test'
  and, with dataset.validation_percent or where the data set has one beside its test split,
  'validation'.

  Args:
    reader: `Reader`.
    dataset_config: the `dataset` part of a config.

  Attributes:
    name: str, the data set's name as in the config.
    image_shape: tuple (H, W, C) of ints.
    num_classes: int, or None where the data set has no labels.
    class_names: list of str, empty where the data set has no labels.
    attribute_names: list of str: the classes of its labels, or what its images have or have not.
    shift: int, pixels, and flip: bool: the augmentation that the config asks for.
    shuffle_buffer: int, images; used where a split does not fit into memory.

  Raises:
    UserError: if its images do not have the size asked for, or are too few to hold some out.
  """

  def __init__(self, reader, dataset_config):
    config = fields.completed(dataset_config)
    self._reader = reader
    self.name = config.name
    self.shift = config.shift
    self.flip = config.flip
    self.shuffle_buffer = config.shuffle_buffer
    self.num_classes = reader.num_classes
    self.class_names = reader.class_names
    self.attribute_names = reader.attribute_names
    self.image_shape = _image_shape(reader.native_shape, config)
    self._resize = config.resize
    self._scale_to = config.crop_from or config.image_size
    self._is_held_out = _held_out(reader, config.validation_percent)
    self._arrays = {}

  @property
  def splits(self):
    """Names of the splits, a tuple."""
    is_own = self._is_held_out is not None and 'validation' not in self._reader.num_examples
    return (*self._reader.num_examples, *(['validation'] if is_own else []))

  def num_examples(self, split):
    """Number of images in a split."""
    self._check(split)
    if not self._is_part(split):
      return self._reader.num_examples[split]
    held_out = int(self._is_held_out.sum())
    return held_out if split == 'validation' else len(self._is_held_out) - held_out

  def fits_memory(self, split):
    """Whether the decoded images of a split are few enough to keep in memory."""
    size = self.num_examples(split) * int(np.prod(self.image_shape))
    return self._resize != 'random_crop' and size <= _MEMORY_LIMIT

  def records(self, split, attributes=False):
    """The examples of a split, undecoded, in an order that never changes.

    Args:
      split: one of `splits`.
      attributes: bool, whether to add 'attributes', float32 [A]: 1 where the image has the one
        named in `attribute_names`, else 0.

    Returns:
      tf.data.Dataset of {'image': what `decode` takes, 'label': int32 scalar}, `label` being 0
      where the data set has none.
    """
    self._check(split)
    examples = self._reader.examples('train' if self._is_part(split) else split)
    if self._is_part(split):
      wanted = tf.constant(self._is_held_out == (split == 'validation'))
      examples = examples.enumerate().filter(lambda number, _: tf.gather(wanted, number))
      examples = examples.map(lambda _, example: example, num_parallel_calls=1)

    def record(example):
      flags = example.pop('attributes', None)
      if attributes and flags is None:
        flags = tf.one_hot(example['label'], len(self.attribute_names))
      return {**example, **({'attributes': tf.cast(flags, tf.float32)} if attributes else {})}

    return untuned.untuned(examples.map(record, num_parallel_calls=1))

  def decode(self, image, position=(0.5, 0.5)):
    """Pixels of one image.

    Args:
      image: Tensor, as `records` has it.
      position: float32 Tensor [2] in [0, 1), the place of a random crop.

    Returns:
      uint8 Tensor of shape `image_shape`.
    """
    image = self._reader.decode(image)
    if not self._reader.is_sized:
      image = images.fit(image, self.image_shape[0], self._resize, self._scale_to, position)
    return tf.ensure_shape(image, self.image_shape)

  def arrays(self, split):
    """All images and labels of a split that `fits_memory`, read once.

    Returns:
      (uint8 Tensor [N, H, W, C], int32 Tensor [N]) in host memory, in the order of `records`.
    """
    if split in self._arrays:
      return self._arrays[split]
    with tf.device('CPU'):
      self._arrays[split] = tuple(map(tf.constant, self._read(split)))
    return self._arrays[split]

  @tf.autograph.experimental.do_not_convert  # It would take longer than reading.
  def _read(self, split):
    """`arrays` as numpy arrays."""
    if self._resize == 'none' and not self._is_part(split) and (
        self._reader.arrays(split) is not None):
      return self._reader.arrays(split)
    num = self.num_examples(split)
    pixels = np.empty((num, *self.image_shape), np.uint8)
    labels = np.empty([num], np.int32)
    decoded = self.records(split).map(
        lambda record: {'image': self.decode(record['image']), 'label': record['label']},
        num_parallel_calls=tf.data.AUTOTUNE)
    start = 0
    for batch in progress.progress(
        decoded.batch(_READ_AT_ONCE).as_numpy_iterator(), -(-num // _READ_AT_ONCE),
        f'reading the {split} images of {self.name}'):
      end = start + len(batch['label'])
      pixels[start:end], labels[start:end] = batch['image'], batch['label']
      start = end
    return pixels, labels

  @property
  def fingerprint(self):
    """What tells this data set from another one and from itself after a change.

    A dict that JSON can hold; `describe_change` compares two. For IDX and .npz files it has a
    digest of all images and labels; for a folder one of each file's name and size, and of the
    contents of 16 files; for a data set of TFDS its name and version.
    """
    return self._reader.fingerprint()

  def _is_part(self, split):
    """Whether a split is a part of the reader's training images."""
    return self._is_held_out is not None and split != 'test'

  def _check(self, split):
    if split not in self.splits:
      how = ('; set dataset.validation_percent to hold out training images'
             if split == 'validation' else '')
      raise errors.UserError(f'data set {self.name!r} has no split {split!r}, but: '
                             f'{", ".join(self.splits)}{how}')


def _held_out(reader, percent):
  """Which training images are the validation split, bool array [N]; None if that is no part."""
  if not percent or 'validation' in reader.num_examples:
    return None
  ranks = reader.ranks()
  chosen = ranks < percent / 100
  if not chosen.any():
    chosen = ranks == ranks.min()
  if chosen.all():
    raise errors.UserError(f'dataset.validation_percent={percent} leaves no image for training: '
                           f'data set {reader.name!r} has {len(ranks)}')
  return chosen


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
          f'{", ".join(fields.RESIZES[1:])}')
    return height, width, channels
  return config.image_size, config.image_size, channels
