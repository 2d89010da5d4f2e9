"""The picture files below a folder, and which of them are held out for testing."""

import base64
import dataclasses
import hashlib
import os

from absl import logging
import numpy as np

from tfp_glow import errors

__all__ = ['FolderFiles', 'SUFFIXES', 'find_images']

SUFFIXES = ('.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.bmp', '.dib', '.gif', '.webp', '.tif',
            '.tiff')
_TEST_FRACTION = 0.1
_SAMPLE = 16  # Files whose contents count in the fingerprint.


def find_images(folder):
  """Paths of all picture files below a folder, by their names' endings in upper or lower case.

  Links to folders are followed, each folder being entered once. Hidden files and folders (.name)
  are passed over, other files with a warning.

  Args:
    folder: str.

  Returns:
    list of str, relative to the folder, with forward slashes, sorted.

  Raises:
    UserError: if the folder or one below it cannot be read, or holds fewer than two images.
  """
  if not folder:
    raise errors.UserError('dataset.name=folder needs dataset.data_dir, the folder of your images')
  if not os.path.isdir(folder):
    raise errors.UserError(f'dataset.data_dir={folder!r} is not a folder')
  found, others, entered = [], [], set()

  def refuse(error):
    raise errors.UserError(f'folder {error.filename} cannot be read: {error.strerror}') from error

  for root, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
    is_new = os.path.realpath(root) not in entered
    entered.add(os.path.realpath(root))
    folders[:] = sorted(name for name in folders if is_new and not name.startswith('.'))
    for name in files if is_new else ():
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
                    len(others), folder, _printable(min(others)))
  return sorted(found)


def _printable(name):
  """A name of any bytes as one line of text."""
  return ''.join(
      letter if letter.isprintable() else letter.encode('unicode_escape').decode()
      for letter in name)


def _chance(path):
  """A number from 0 to 1 that a path alone decides."""
  digest = hashlib.sha256(os.fsencode(path)).digest()
  return int.from_bytes(digest[:8], 'big') / 2**64


@dataclasses.dataclass(frozen=True)
class FolderFiles:
  """The images of a folder.

  About a tenth of them is the test split: those whose path a hash takes to a number below 0.1.
  So an image stays where it is when others come or go. Where that is none, it is the one with the
  smallest number, until one below 0.1 comes; where it is all of them, all but the last.

  Attributes:
    folder: str.
    paths: tuple of str, relative to the folder, in the order of their numbers.
  """

  folder: str
  paths: tuple

  @classmethod
  def find(cls, folder):
    """The images that lie in a folder now. Raises `UserError` as `find_images` does."""
    return cls(folder, tuple(sorted(find_images(folder), key=_chance)))

  @property
  def num_below(self):
    """How many of the paths, the first ones, a hash takes to a number below 0.1."""
    return sum(_chance(path) < _TEST_FRACTION for path in self.paths)

  @property
  def num_test(self):
    """Images for testing: that many of the first paths."""
    return min(max(self.num_below, 1), len(self.paths) - 1)

  def without(self, paths):
    """These files without some of them, which cannot be read."""
    return dataclasses.replace(
        self, paths=tuple(path for path in self.paths if path not in set(paths)))

  def ranks(self):
    """Numbers from 0 to 1 of the training images, by their paths alone; float64 array [N]."""
    chances = np.array([_chance(path) for path in self.paths[self.num_test:]])
    return np.clip((chances - _TEST_FRACTION) / (1 - _TEST_FRACTION), 0., 1.)

  def path_of(self, path):
    """Where a file lies."""
    return os.path.join(self.folder, path)

  def read(self, path):
    """The bytes of a file. Raises `UserError` naming it if it cannot be opened."""
    try:
      with open(self.path_of(path), 'rb') as file:
        return file.read()
    except OSError as error:
      dangling = os.path.islink(self.path_of(path)) and not os.path.exists(self.path_of(path))
      why = ('is a link to a file that is not there' if dangling else
             f'cannot be read: {error.strerror}')
      raise errors.UserError(f'{self.named(path)} {why}') from error

  def named(self, path):
    """Where a file lies, for messages."""
    return _printable(self.path_of(path))

  def labels(self):
    """Names of the subfolders, where every image lies in one; else an empty list."""
    parts = [path.split('/', 1) for path in self.paths]
    return sorted({part[0] for part in parts}) if all(len(part) == 2 for part in parts) else []

  def label_names(self):
    """`labels`, each as one line of text."""
    return [_printable(label) for label in self.labels()]

  def state(self, *parameters):
    """A str that another folder, file, size or date of a file, or another parameter changes.

    So do other contents of some files: archives can give other pictures the same sizes and dates.
    """
    digest = hashlib.sha256(repr((os.path.realpath(self.folder), *parameters)).encode())
    for number, path in enumerate(self.paths):
      try:
        status = os.stat(self.path_of(path))
        state = f'{status.st_size} {status.st_mtime_ns}'
        if number < _SAMPLE:
          state += f' {self._digest(path)}'
      except (OSError, errors.UserError):
        state = 'absent'
      digest.update(os.fsencode(path) + f' {state}\n'.encode())
    return digest.hexdigest()[:16]

  def _digest(self, path):
    return hashlib.sha256(self.read(path)).hexdigest()[:16]

  def fingerprint(self):
    """A JSON-able dict: a hash of each file's path and size, and of some files' contents."""
    codes = [self._code(path) for path in self.paths]
    sample = {self._code(path, with_size=False).hex(): self._digest(path)
              for path in self.paths[:_SAMPLE]}
    num = self.num_test
    parts = dict(test=codes[:num], train=codes[num:])
    return dict(
        kind='folder', images={split: len(part) for split, part in parts.items()},
        files={split: base64.b64encode(b''.join(sorted(part))).decode()
               for split, part in parts.items()},
        sample=sample)

  def _code(self, path, with_size=True):
    size = f' {os.path.getsize(self.path_of(path))}' if with_size else ''
    return hashlib.sha256(os.fsencode(path) + size.encode()).digest()[:4]
