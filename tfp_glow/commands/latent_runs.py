"""The runs and test images whose latents a mode shows."""

import numpy as np

from tfp_glow import data
from tfp_glow import errors
from tfp_glow.commands import arguments
from tfp_glow.runs import labels
from tfp_glow.runs import trained

__all__ = ['choose_images', 'load', 'load_with_pairs']

_ROWS = 8


def load(config, path):
  """The `TrainedModel` of a workdir.

  Raises:
    UserError: for a model with classes, or a workdir without a usable checkpoint.
  """
  loaded = trained.load_trained(config, path)
  labels.refuse_classes(loaded.model, path)
  return loaded


def load_with_pairs(config, path, num_rows, seed):
  """The `TrainedModel`, and two times `num_rows` (by default 8) test images.

  Raises:
    UserError: as `load` and `choose_images`.
  """
  rows = arguments.at_least_one('num_samples', num_rows, _ROWS)
  loaded = load(config, path)
  images = choose_images(loaded.source, 2 * rows, seed)
  return loaded, images[:rows], images[rows:]


def choose_images(source, num, seed):
  """Different test images, chosen by the seed.

  Args:
    source: an `ImageSource`.
    num: int.
    seed: int.

  Returns:
    uint8 array `[num, H, W, C]`.

  Raises:
    UserError: if there are fewer.
  """
  total = source.num_examples('test')
  if num > total:
    raise errors.UserError(f'{num} test images are needed, and the data set {source.name} has '
                           f'{total}; ask for fewer with --num_samples.')
  chosen = np.random.RandomState(seed).permutation(total)[:num]
  found = {}
  batches = data.eval_batches(source, batch_size=1).as_numpy_iterator()
  for index, batch in enumerate(batches):
    if index in chosen:
      found[index] = batch['image'][0]
    if len(found) == num:
      break
  return np.stack([found[index] for index in chosen])
