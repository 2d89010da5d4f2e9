"""TFDS builder of a folder of images."""

import concurrent.futures
import dataclasses
import hashlib
import os

from absl import logging
import tensorflow as tf
import tensorflow_datasets as tfds

from tfp_glow.data import images
from tfp_glow import errors

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.gif')
TEST_FRACTION = 0.1
_LOOK_AT = 16  # Images looked at to tell a folder of grey pictures from one of colour.
_THREADS = 8


def find_images(folder):
  """Paths of all image files below a folder.

  Args:
    folder: str. Hidden files and folders (.name) in it are passed over.

  Returns:
    list of str, relative to the folder, with forward slashes, sorted.

  Raises:
    UserError: if the folder does not exist or holds fewer than two images.
  """
  if not folder:
    raise errors.UserError('dataset.name=folder needs dataset.data_dir, the folder of your images')
  if not os.path.isdir(folder):
    raise errors.UserError(f'dataset.data_dir={folder!r} is not a folder')
  found, others = [], []
  for root, folders, files in os.walk(folder):
    folders[:] = [name for name in folders if not name.startswith('.')]
    for name in files:
      path = os.path.relpath(os.path.join(root, name), folder).replace(os.sep, '/')
      if name.lower().endswith(SUFFIXES) and not name.startswith('.'):
        found.append(path)
      elif not name.startswith('.'):
        others.append(path)
  if len(found) < 2:
    raise errors.UserError(
        f'dataset.data_dir={folder!r} holds {len(found)} images; at least 2 are needed, one of '
        f'them for testing; these names are looked for: {" ".join("*" + s for s in SUFFIXES)}')
  if others:
    logging.warning('%d files in %s are not named as images and are passed over, such as %s',
                    len(others), folder, min(others))
  return sorted(found)


def decode(path):
  """Decodes one image file.

  Returns:
    uint8 Tensor [H, W, 1] for a grey image, else [H, W, 3]; transparency is dropped, and of an
    animation the first frame is taken.

  Raises:
    UserError: naming the file, if it cannot be read as an image.
  """
  try:
    image = tf.io.decode_image(tf.io.read_file(path), expand_animations=False)
  except Exception as error:  # pylint: disable=broad-except
    raise errors.UserError(f'{path} cannot be read as an image (png, jpg, bmp or gif); '
                           f'repair it or take it away') from error
  channels = image.shape[-1]
  return image[..., :channels - 1] if channels in (2, 4) else image


def _to_channels(image, channels):
  if image.shape[-1] == channels:
    return image
  return tf.image.rgb_to_grayscale(image) if channels == 1 else tf.image.grayscale_to_rgb(image)


@dataclasses.dataclass(frozen=True)
class FolderImages:
  """What one prepared copy of a folder is made from."""
  folder: str
  paths: tuple
  image_size: int
  resize: str
  scale_to: int

  @classmethod
  def find(cls, folder, image_size, resize, scale_to):
    """The images that lie in a folder now. Raises `UserError` as `find_images` does."""
    return cls(folder, tuple(find_images(folder)), image_size, resize, scale_to)

  def fingerprint(self):
    """Str that another file, or another size or date of a file, changes."""
    digest = hashlib.sha256(repr((self.image_size, self.resize, self.scale_to)).encode())
    for path in self.paths:
      status = os.stat(os.path.join(self.folder, path))
      digest.update(f'{path} {status.st_size} {status.st_mtime_ns}\n'.encode())
    return digest.hexdigest()[:16]


class ImageFolder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """The images below a folder, prepared once at the size that training wants.

  'label' is the subfolder directly below the folder, where every image lies in one. A tenth of
  the images, chosen by a hash of their path and at least one, is the test split: adding images
  does not move most of the others between the splits. The prepared copy is rebuilt when the
  folder changes; copies of how it was before stay until they are deleted.

  Args:
    found: FolderImages.
    data_dir: str, the folder of prepared data sets. The copy lies in a folder of its own in it.
  """

  VERSION = tfds.core.Version('1.0.0')

  def __init__(self, found, data_dir):
    self._found = found
    super().__init__(data_dir=os.path.join(data_dir, f'folder_{found.fingerprint()}'))

  def _labels(self):
    parts = [path.split('/', 1) for path in self._found.paths]
    if all(len(part) == 2 for part in parts):
      return sorted({part[0] for part in parts})
    return []

  def _info(self):
    found = self._found
    shapes = [decode(os.path.join(found.folder, path)).shape
              for path in found.paths[:_LOOK_AT]]
    channels = max(shape[-1] for shape in shapes)
    if found.resize == 'none':
      size = shapes[0][:2]
    elif found.resize == 'random_crop':
      size = (None, None)
    else:
      size = (found.image_size, found.image_size)
    features = {'image': tfds.features.Image(shape=(*size, channels))}
    labels = self._labels()
    if labels:
      features['label'] = tfds.features.ClassLabel(names=labels)
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

  def _split_generators(self, dl_manager):
    paths = sorted(self._found.paths,
                   key=lambda path: hashlib.sha256(path.encode()).digest())
    num_test = max(1, round(TEST_FRACTION * len(paths)))
    return {
        'train': self._generate_examples(paths[num_test:]),
        'test': self._generate_examples(paths[:num_test]),
    }

  def _read(self, path):
    """One image as it is stored, uint8 numpy array."""
    found = self._found
    shape = self.info.features['image'].shape
    image = _to_channels(decode(os.path.join(found.folder, path)), shape[-1])
    if found.resize == 'random_crop':  # The crop is drawn anew each time the image is used.
      return images.scale_shorter_side(image, found.scale_to).numpy()
    image = images.fit(image, found.image_size, found.resize, found.scale_to).numpy()
    if image.shape != shape:
      raise errors.UserError(
          f'{os.path.join(found.folder, path)} is {image.shape[0]}x{image.shape[1]} while other '
          f'images are {shape[0]}x{shape[1]}; set dataset.image_size and '
          f'dataset.resize=center_crop to bring all to one size')
    return image

  def _generate_examples(self, paths):
    labeled = bool(self._labels())
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
      for start in range(0, len(paths), 64):  # No more than these in memory at once.
        some = paths[start:start + 64]
        for path, image in zip(some, pool.map(self._read, some)):
          example = {'image': image}
          if labeled:
            example['label'] = path.split('/', 1)[0]
          yield path, example
