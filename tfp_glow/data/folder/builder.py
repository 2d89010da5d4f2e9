"""TFDS builder of a folder of images."""

import concurrent.futures
import dataclasses
import os

import tensorflow_datasets as tfds

from tfp_glow import errors
from tfp_glow.data import images
from tfp_glow.data import pictures
from tfp_glow.data.folder import files as files_lib

__all__ = ['FolderImages', 'ImageFolder']

_THREADS = 8
_AT_ONCE = 64  # Images in memory.


@dataclasses.dataclass(frozen=True)
class FolderImages:
  """What one prepared copy of a folder is made from.

  Attributes:
    files: FolderFiles.
    image_size, resize, scale_to: as `images.fit` takes them.
    skip_broken: bool, whether files that cannot be read are left out.
  """

  files: files_lib.FolderFiles
  image_size: int
  resize: str
  scale_to: int
  skip_broken: bool

  def state(self):
    """A str that changes with the files and with what is made of them."""
    return self.files.state(self.image_size, self.resize, self.scale_to, self.skip_broken)


class ImageFolder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """The images below a folder, prepared once at the size that training wants.

  'image' is stored in colours; the metadata 'channels' is 1 where all pixels of all images are
  grey. 'label' is the subfolder directly below the folder, where every image lies in one. The
  examples stand in the order of `FolderFiles.paths`, less those that the metadata 'skipped'
  name. The prepared copy is rebuilt when the folder changes; copies of how it was before stay
  until they are deleted.

  Args:
    found: FolderImages.
    data_dir: str, the folder of prepared data sets. The copy lies in a folder of its own in it.
  """

  # 2.0.0: pictures are read as data/pictures/ says, and another tenth of them is held out.
  VERSION = tfds.core.Version('2.0.0')

  def __init__(self, found, data_dir):
    self._found = found
    super().__init__(data_dir=os.path.join(data_dir, f'folder_{found.state()}'))

  def _info(self):
    found = self._found
    size = (found.image_size, found.image_size)
    if found.resize == 'none':
      size = self._first_size()
    elif found.resize == 'random_crop':
      size = (None, None)
    features = {'image': tfds.features.Image(shape=(*size, 3))}
    if found.files.labels():
      features['label'] = tfds.features.ClassLabel(names=found.files.label_names())
    return tfds.core.DatasetInfo(
        builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True,
        metadata=tfds.core.MetadataDict(channels=1, skipped=[]))

  def _first_size(self):
    """Height and width of the first image that can be read."""
    for path in self._found.files.paths:
      try:
        return tuple(self._decode(path).shape[:2])
      except errors.UserError:
        if not self._found.skip_broken:
          raise
    raise errors.UserError(f'no file in {self._found.files.folder} can be read as an image')

  def _split_generators(self, dl_manager):
    paths, num_test = self._found.files.paths, self._num_test()
    return {
        'train': self._generate_examples(paths[num_test:]),
        'test': self._generate_examples(paths[:num_test]),
    }

  def _num_test(self):
    """How many of the paths come before those for training, so that neither split is empty."""
    files = self._found.files
    if not self._found.skip_broken:
      return files.num_test
    places = range(len(files.paths))
    first, last = (next(filter(self._can_be_read, some), 0) for some in (places, places[::-1]))
    return min(max(files.num_below, first + 1), last)

  def _can_be_read(self, place):
    try:
      self._decode(self._found.files.paths[place])
      return True
    except errors.UserError:
      return False

  def _decode(self, path):
    files = self._found.files
    try:
      return pictures.read(files.read(path))
    except pictures.PictureError as error:
      raise errors.UserError(f'{files.named(path)} {error}; repair it, take it away, or leave out '
                             f'all such files with dataset.skip_broken=True') from error

  def _read(self, path):
    """One image as it is stored, uint8 numpy array, or None if it is left out."""
    found = self._found
    try:
      image = self._decode(path)
    except errors.UserError:
      if found.skip_broken:
        return None
      raise
    if found.resize == 'random_crop':  # The crop is drawn anew each time the image is used.
      height, width = sorted(image.shape[:2])
      if width * found.scale_to**2 > height * pictures.MAX_PIXELS:
        raise errors.UserError(
            f'{found.files.named(path)} is too long a strip to be scaled: {image.shape[0]} x '
            f'{image.shape[1]} pixels; take it away, or set dataset.resize=center_crop')
      return images.scale_shorter_side(image, found.scale_to).numpy()
    image = images.fit(image, found.image_size, found.resize, found.scale_to).numpy()
    shape = self.info.features['image'].shape
    if image.shape != shape:
      raise errors.UserError(
          f'{found.files.named(path)} is {image.shape[0]}x{image.shape[1]} while other '
          f'images are {shape[0]}x{shape[1]}; set dataset.image_size and '
          f'dataset.resize=center_crop to bring all to one size')
    return image

  def _generate_examples(self, paths):
    labels = self._found.files.labels()
    number = 0
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
      for start in range(0, len(paths), _AT_ONCE):
        some = paths[start:start + _AT_ONCE]
        for path, image in zip(some, pool.map(self._read, some)):
          if image is None:
            self.info.metadata['skipped'].append(path)
            continue
          if self.info.metadata['channels'] == 1 and (image != image[..., :1]).any():
            self.info.metadata['channels'] = 3
          example = {'image': image}
          if labels:
            example['label'] = labels.index(path.split('/', 1)[0])
          yield number, example
          number += 1
    if not number:
      raise errors.UserError(
          f'of {self._found.files.folder}, none of the {len(paths)} images for training or for '
          f'testing can be read')
