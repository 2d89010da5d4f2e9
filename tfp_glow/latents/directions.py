"""Directions in latent space along which an attribute of the images changes.

    direction = mean latent of images with the attribute - mean latent of those without

(Kingma & Dhariwal 2018, section 5, "Semantic manipulation".)
"""

import os

import numpy as np
import tensorflow as tf

from tfp_glow.runs import files
from tfp_glow.runs import labels as labels_lib

__all__ = [
    'LatentMeans', 'directions_file', 'find_directions', 'load_directions', 'measure_means',
    'save_directions',
]

_MAX_PAIRED = 10  # Classes up to which all pairs become directions by default.


class LatentMeans:
  """Mean latents of the images with each of A attributes, summed up batch by batch.

  Args:
    num_attributes: int, A.
    latent_size: int, D.
  """

  def __init__(self, num_attributes, latent_size):
    self._sums = np.zeros([num_attributes, latent_size])
    self._counts = np.zeros([num_attributes])
    self._sum = np.zeros([latent_size])
    self._count = 0

  def add(self, latents, attributes):
    """Adds a batch: float latents `[N, D]` and attributes `[N, A]`, each 0 or 1."""
    latents, attributes = np.asarray(latents, np.float64), np.asarray(attributes, np.float64)
    self._sums += attributes.T @ latents
    self._counts += attributes.sum(0)
    self._sum += latents.sum(0)
    self._count += len(latents)

  @property
  def counts(self):
    """How many images had each attribute, `[A]`."""
    return self._counts

  @property
  def num_images(self):
    """How many images were added."""
    return self._count

  def versus_rest(self, attribute):
    """Mean latent with an attribute less that without, float32 `[D]`.

    Raises:
      ValueError: if all images have it, or none.
    """
    with_it = self._counts[attribute]
    without = self._count - with_it
    if not with_it or not without:
      raise ValueError(f'attribute number {attribute} has no direction: {with_it:.0f} images have '
                       f'it and {without:.0f} do not.')
    rest = (self._sum - self._sums[attribute]) / without
    return (self._sums[attribute] / with_it - rest).astype(np.float32)

  def between(self, first, second):
    """Mean latent with the second attribute less that with the first, float32 `[D]`.

    Raises:
      ValueError: if no image has one of them.
    """
    for attribute in (first, second):
      if not self._counts[attribute]:
        raise ValueError(f'attribute number {attribute} has no direction: no image has it.')
    means = [self._sums[a] / self._counts[a] for a in (first, second)]
    return (means[1] - means[0]).astype(np.float32)


def measure_means(model, batches, num_attributes):
  """Encodes labelled images, batch by batch.

  Args:
    model: an `ImageModel`.
    batches: iterable of {'image': uint8 [N, H, W, C], 'label': int [N], 'attributes': [N, A]}, such
      as `labelled_batches`. A model with classes is given the labels.
    num_attributes: int, A.

  Returns:
    `LatentMeans`.
  """
  @tf.function(autograph=False, reduce_retracing=True)
  def encode(images, conditions):
    return model.encode(images, tf.fill(tf.shape(images), .5), **conditions)

  means = LatentMeans(num_attributes, model.event_size)
  for batch in batches:
    latents = encode(batch['image'], labels_lib.conditions_of(model, batch))
    means.add(latents.numpy(), batch['attributes'])
  return means


def find_directions(means, names, wanted=None):
  """Named directions.

  Args:
    means: `LatentMeans`.
    names: list of the A attributes' names.
    wanted: list of str, each `a` (with attribute a, less without) or `a->b` (from a to b). By
      default every attribute that some images have and some have not and, for up to 10
      attributes, every pair.

  Returns:
    A dict of float32 arrays `[D]` by name. Added to the latent of an image, a direction moves
    it from the mean of the one group to that of the other.

  Raises:
    ValueError: for an unknown name, or an attribute that all images have or none.
  """
  if wanted is None:
    present = [i for i, count in enumerate(means.counts) if 0 < count < means.num_images]
    wanted = [names[i] for i in present]
    if len(present) <= _MAX_PAIRED:
      wanted += [f'{names[a]}->{names[b]}' for a in present for b in present if a < b]
  directions = {}
  for name in wanted:
    ends = [name] if name in names else [end.strip() for end in name.split('->')]
    unknown = [end for end in ends if end not in names]
    if unknown or len(ends) > 2:
      raise ValueError(f'direction {name!r} is not known; it must be one of the attributes '
                       f'{", ".join(names)}, or two of them as in {names[0]}->{names[-1]}.')
    indices = [names.index(end) for end in ends]
    directions[name] = (
        means.between(*indices) if len(indices) == 2 else means.versus_rest(*indices))
  return directions


def directions_file(workdir, step):
  """Where `--mode=directions` leaves the directions of a run's step for the export."""
  return os.path.join(workdir, 'directions', f'{step}.npz')


def save_directions(path, directions):
  """Writes directions as .npz (no pickle), whole or not at all.

  Args:
    path: str, ending in .npz; its folder is made.
    directions: dict of float arrays `[D]` by name.
  """
  os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
  vectors = np.stack(list(directions.values())).astype(np.float32)
  with files.written_whole(path) as temporary, open(temporary, 'wb') as f:
    np.savez_compressed(f, names=np.array(list(directions), dtype=np.str_), vectors=vectors)


def load_directions(path):
  """Reads what `save_directions` wrote.

  Returns:
    A dict of float32 arrays `[D]` by name.

  Raises:
    ValueError: in one line, if the file is not one of directions. Nothing in it is unpickled.
    OSError: if it cannot be read.
  """
  try:
    with np.load(path, allow_pickle=False) as arrays:
      names, vectors = arrays['names'], arrays['vectors']
  except OSError:
    raise
  except Exception as error:  # Zip, header and pickle errors have no common base.
    raise ValueError(f'{path} holds no directions ({str(error).splitlines()[0]}); make it with '
                     f'python train.py --mode=directions') from error
  if names.ndim != 1 or vectors.ndim != 2 or len(names) != len(vectors):
    raise ValueError(f'{path} holds no directions: names of the shape {names.shape} and vectors '
                     f'of the shape {vectors.shape}.')
  return {str(name): vector.astype(np.float32) for name, vector in zip(names, vectors)}
