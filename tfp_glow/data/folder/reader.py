"""Reads a prepared folder of images."""

import sys

from tfp_glow.data import images
from tfp_glow.data import tfds_reader

__all__ = ['FolderReader']


class FolderReader(tfds_reader.TfdsReader):
  """The images of a folder, grey where all of them are.

  What is left out of it is counted on stderr.

  Args:
    builder: a prepared `ImageFolder`.
    files: its `FolderFiles`.
    is_sized: bool, whether it was prepared at the size of training.
  """

  def __init__(self, builder, files, is_sized):
    super().__init__(builder, 'folder')
    self.is_sized = is_sized
    metadata = builder.info.metadata
    skipped = metadata['skipped']
    self._files = files.without(skipped)
    self.native_shape = (*self.native_shape[:2], metadata['channels'])
    if skipped:
      print(f'{len(skipped)} of {len(files.paths)} images in {files.folder} cannot be read and are '
            f'left out, such as {files.named(min(skipped))}', file=sys.stderr)

  def decode(self, image):
    image = self.builder.info.features['image'].decode_example(image)
    return images.to_grey(image) if self.native_shape[-1] == 1 else image

  def ranks(self):
    return self._files.ranks()

  def fingerprint(self):
    return self._files.fingerprint()
