"""The runs and test images whose latents a mode shows."""

import dataclasses

import numpy as np

from tfp_glow import data
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow import progress
from tfp_glow.commands import arguments
from tfp_glow.distributions import random
from tfp_glow.runs import trained

__all__ = ['ROWS', 'Chosen', 'choose_images', 'load_with_pairs', 'measure_means',
           'names_of_pairs']

_BATCH_SIZE = 500
ROWS = 8  # Of a picture, unless the user says otherwise.


@dataclasses.dataclass
class Chosen:
  """Test images.

  Attributes:
    images: uint8 array `[N, H, W, C]`.
    labels: int32 array `[N]`.
  """

  images: np.ndarray
  labels: np.ndarray

  def __getitem__(self, rows):
    return Chosen(self.images[rows], self.labels[rows])


def load_with_pairs(config, path, num_rows, seed):
  """The `TrainedModel`, and two times `num_rows` (by default `ROWS`) test images, each `Chosen`.

  Raises:
    UserError: as `choose_images`, or for a workdir without a usable checkpoint.
  """
  rows = arguments.count_of('num_samples', num_rows, ROWS)
  loaded = trained.load_trained(config, path)
  chosen = choose_images(loaded.source, 2 * rows, seed)
  return loaded, chosen[:rows], chosen[rows:]


def names_of_pairs(loaded, first, last):
  """What a mode says of the classes of its pairs: {'labels': pairs of names}, or nothing.

  Args:
    loaded: a `TrainedModel`.
    first, last: `Chosen`s.
  """
  if not loaded.model.num_classes:
    return {}
  names = loaded.source.class_names
  return {'labels': [[names[a], names[b]] for a, b in zip(first.labels, last.labels)]}


def choose_images(source, num, seed, label=None):
  """Different test images, chosen by the seed.

  Args:
    source: an `ImageSource`.
    num: int.
    seed: int, any.
    label: int, a class that they are of; None: any.

  Returns:
    `Chosen`, of `num` images.

  Raises:
    UserError: if there are fewer.
  """
  total = source.num_examples('test')
  order = _random(seed).permutation(total)
  what = 'test images'
  if label is not None:
    what += f' of the class {source.class_names[label]}'
    order = order[_labels(source)[order] == label]
  if num > len(order):
    raise errors.UserError(f'{num} {what} are needed, and the data set {source.name} has '
                           f'{len(order)}; ask for fewer with --num_samples.')
  chosen = order[:num]
  found = {}
  batches = data.eval_batches(source, batch_size=_BATCH_SIZE).as_numpy_iterator()
  for number, batch in enumerate(progress.progress(
      batches, -(-total // _BATCH_SIZE), 'looking for images')):
    start = number * _BATCH_SIZE
    found.update({index: (batch['image'][index - start], batch['label'][index - start])
                  for index in chosen if start <= index < start + _BATCH_SIZE})
    if len(found) == num:
      break
  images, labels = zip(*[found[index] for index in chosen])
  return Chosen(np.stack(images), np.array(labels, np.int32))


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


def _labels(source):
  """The labels of all test images."""
  return np.array([record['label'] for record in source.records('test').map(
      lambda record: {'label': record['label']}, num_parallel_calls=1).as_numpy_iterator()])


def _random(seed):
  """numpy's generator of any seed; it takes words of 32 bits."""
  low, high = [word % 2**32 for word in (random.fold_seed(seed), random.fold_seed(seed) >> 32)]
  return np.random.RandomState([low, high] if high else low)
