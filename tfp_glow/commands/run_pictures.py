"""Pictures that modes leave in `samples/` of a workdir, under names that say what they show."""

import os

from tfp_glow.runs import files
from tfp_glow.runs import pictures

__all__ = ['save', 'save_grid']


def save(path, name, image):
  """Writes a picture; a file that is there already is never overwritten.

  Args:
    path: str, the workdir.
    name: str, of the file, without ".png".
    image: uint8 array `[H, W, C]`.

  Returns:
    The path of the PNG.

  Raises:
    UserError: if it cannot be written.
  """
  target = files.unused_name(os.path.join(path, 'samples', name + '.png'))
  pictures.save_png(target, image)
  return target


def save_grid(path, name, grid):
  """`save` of rows and columns of images, uint8 `[rows, columns, H, W, C]`."""
  rows, columns = grid.shape[:2]
  return save(path, name, pictures.grid(grid.reshape([rows * columns, *grid.shape[2:]]), columns))
