"""The runs and test images whose latents a mode shows."""

import numpy as np

from tfp_glow import data
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.commands import arguments
from tfp_glow.distributions import random
from tfp_glow.runs import labels
from tfp_glow.runs import progress
from tfp_glow.runs import trained

__all__ = ['choose_images', 'load', 'load_with_pairs', 'measure_means']

_BATCH_SIZE = 500
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
  rows = arguments.count_of('num_samples', num_rows, _ROWS)
  loaded = load(config, path)
  images = choose_images(loaded.source, 2 * rows, seed)
  return loaded, images[:rows], images[rows:]


def choose_images(source, num, seed):
  """Different test images, chosen by the seed.

  Args:
    source: an `ImageSource`.
    num: int.
    seed: int, any.

  Returns:
    uint8 array `[num, H, W, C]`.

  Raises:
    UserError: if there are fewer.
  """
  total = source.num_examples('test')
  if num > total:
    raise errors.UserError(f'{num} test images are needed, and the data set {source.name} has '
                           f'{total}; ask for fewer with --num_samples.')
  chosen = _random(seed).permutation(total)[:num]
  found = {}
  batches = data.eval_batches(source, batch_size=_BATCH_SIZE).as_numpy_iterator()
  for number, batch in enumerate(progress.progress(
      batches, -(-total // _BATCH_SIZE), 'looking for images')):
    start = number * _BATCH_SIZE
    found.update({index: batch['image'][index - start] for index in chosen
                  if start <= index < start + _BATCH_SIZE})
    if len(found) == num:
      break
  return np.stack([found[index] for index in chosen])


def measure_means(loaded, batch_size):
  """The `LatentMeans` of the training images' attributes.

  Args:
    loaded: a `TrainedModel`, whose data set has attributes.
    batch_size: int, the most images to encode at once.
  """
  source = loaded.source
  batches = progress.progress(
      latents.labelled_batches(source, batch_size), -(-source.num_examples('train') // batch_size),
      'encoding images')
  return latents.measure_means(loaded.model, batches, len(source.attribute_names))


def _random(seed):
  """numpy's generator of any seed; it takes words of 32 bits."""
  low, high = [word % 2**32 for word in (random.fold_seed(seed), random.fold_seed(seed) >> 32)]
  return np.random.RandomState([low, high] if high else low)
