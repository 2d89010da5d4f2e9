"""Bits/dim over a whole split, each image once, on any number of replicas."""

import math

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow.training import noise as noise_lib

__all__ = ['Evaluator']

# Keeps evaluation's noise apart from training's, whose seed is the config's.
_NOISE_SEED = -1


class Evaluator:
  """Measures a model on a split of a data set.

  Args:
    cluster: a `Cluster`.
    model: an `ImageModel`, here the moving average.
    source: an `ImageSource`.
    batch_size: int, images of all replicas together. Rounded up to a multiple
      of the replicas, which changes no result but that of rounding.
    noise_draws: int, how often each image is dequantised.
    split: "train" or "test".
  """

  def __init__(self, cluster, model, source, batch_size, noise_draws, split='test'):
    self._cluster = cluster
    self._noise_draws = noise_draws
    replicas = cluster.num_replicas
    batch_size = math.ceil(batch_size / replicas) * replicas
    self._batches = cluster.distribute(lambda index, count: data.eval_batches(
        source, split=split, batch_size=batch_size, shard_index=index, num_shards=count))

    def replica_bits_per_dim(images, number, draw):
      noise = noise_lib.replica_noise(_NOISE_SEED - draw, number, images, replicas)
      return model.bits_per_dim(images, noise)

    @tf.function
    def bits_per_dim(images, number, draw):
      return cluster.strategy.run(replica_bits_per_dim, args=(images, number, draw))

    self._bits_per_dim = bits_per_dim

  def __call__(self, interrupted=lambda: False):
    """Evaluates.

    Args:
      interrupted: callable, asked before every batch whether to break off.

    Returns:
      A dict: `eval_bpd`, the mean bits/dim (one draw of the dequantisation bound
      an image and draw, averaged); `standard_error` of that mean over the images;
      `num_images`; `noise_draws`. None if interrupted.
    """
    values = []
    for number, batch in enumerate(self._batches):
      if interrupted():
        return None
      draws = [
          self._local(self._bits_per_dim(
              batch['image'], tf.constant(number, tf.int64), tf.constant(draw, tf.int64)))
          for draw in range(self._noise_draws)]
      values.append(np.mean(draws, 0, np.float64)[self._local(batch['mask']) > 0])
    values = np.concatenate(values)
    total, count = self._cluster.sum_over_workers([values.sum(), values.size])
    mean = total / count
    squares, = self._cluster.sum_over_workers([np.square(values - mean).sum()])
    error = math.sqrt(squares / max(1, count - 1) / count)
    return dict(eval_bpd=float(mean), standard_error=error, num_images=int(count),
                noise_draws=self._noise_draws)

  def _local(self, value):
    parts = self._cluster.strategy.experimental_local_results(value)
    return np.concatenate([part.numpy() for part in parts])
