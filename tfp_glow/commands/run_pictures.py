"""Pictures that modes leave in `samples/` of a workdir, under names that say what they show."""

import os

from tfp_glow import errors
from tfp_glow.distributions import random
from tfp_glow.runs import files
from tfp_glow.runs import pictures

__all__ = ['check_size', 'in_name', 'save', 'save_grid']

_MAX_PIXELS = 2**27  # Of a picture: programs that show larger ones are rare.


def check_size(num_images, image_shape):
  """Refuses to draw more images than a picture should hold.

  Args:
    num_images: int.
    image_shape: `(H, W, C)`.

  Raises:
    UserError: if they are too many.
  """
  height, width, _ = image_shape
  most = _MAX_PIXELS // (height * width)
  if num_images > most:
    raise errors.UserError(
        f'a picture of {num_images} images of {height}x{width} pixels would be too large; the most '
        f'are {most}, so ask for fewer with --num_samples.')


def in_name(seed):
  """A seed as the name of a file has it: an int of any length as one of 64 bits."""
  return f'seed_{random.fold_seed(seed)}'


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
