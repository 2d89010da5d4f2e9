"""Scores of images; the higher, the less an image belongs to the model's data."""

import numpy as np
import tensorflow as tf

from tfp_glow import progress
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.evaluation import compressed_size

__all__ = ['NAMES', 'Scores', 'typicality']

_GROUP = 10  # M, images that are judged together.
NAMES = ('log_prob', 'typicality', f'typicality_of_{_GROUP}', 'complexity_corrected')


def typicality(bits, entropy, group=1):
  """How far groups of images are from the typical set (Nalisnick et al. 2019, equation 6).

      |mean of -log p over a group - entropy|

  Args:
    bits: float array `[N]`, -log p of images.
    entropy: float, the same of images that the model was trained on, averaged.
    group: int M, images a group; a remainder is left out, and fewer images are one group.

  Returns:
    float array `[max(1, N // M)]`.
  """
  group = min(group, len(bits))
  # Data sets may be sorted by class, which would leave groups that vary too much.
  bits = bits[np.random.RandomState(0).permutation(len(bits))]
  groups = bits[:len(bits) // group * group].reshape(-1, group)
  return np.abs(groups.mean(1) - entropy)


class Scores:
  """Scores images by name:

    log_prob               -log p in bits/dim, one draw of the dequantisation bound
    typicality             |-log p - entropy|
    typicality_of_10       the same of groups of 10 images
    complexity_corrected   -log p less the bits/dim of a general compressor (Serra
                           et al. 2020, equation 2): what the flow needs more than a
                           program that knows nothing of the data

  A flow gives simple images, black ones for example, more likelihood than the
  data it was trained on (Nalisnick et al. 2019; Serra et al. 2020), so that
  `log_prob` ranks them the wrong way round; the other scores are answers to that. p is that of the
  image alone, of a model with classes too.

  Args:
    model: an `ImageModel`.
    train_images: uint8 array `[N, H, W, C]`, for the entropy.
    batch_size: int.
  """

  def __init__(self, model, train_images, batch_size):
    self._model = model
    self._batch_size = batch_size

    @tf.function(autograph=False, reduce_retracing=True)
    def bits_per_dim(images, index):
      noise = noise_lib.noise_of_images(noise_lib.EVALUATION_SEED, index, model.image_shape)
      return model.bits_per_dim(images, noise)

    self._bits_per_dim = bits_per_dim
    self._entropy = self._log_prob(train_images).mean()

  def __call__(self, images):
    """A dict of float arrays, one for each of `NAMES`, of uint8 images `[N, H, W, C]`."""
    bits = self._log_prob(images)
    compressed = compressed_size.compressed_bits(images, self._model.n_bits)
    return dict(zip(NAMES, (
        bits, typicality(bits, self._entropy), typicality(bits, self._entropy, _GROUP),
        bits - compressed / self._model.event_size)))

  def _log_prob(self, images):
    """Bits/dim with the noise of `Evaluator`, if the images are a split's first."""
    values = []
    starts = range(0, len(images), self._batch_size)
    for start in progress.progress(starts, len(starts), 'scoring images'):
      batch = tf.constant(images[start:start + self._batch_size])
      index = tf.range(start, start + len(batch), dtype=tf.int64)
      values.append(self._bits_per_dim(batch, index))
    return np.concatenate(values).astype(np.float64)
