"""Bits/dim over a whole split, each image once, on any number of replicas."""

import math

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import labels as labels_lib

__all__ = ['Evaluator']


class Evaluator:
  """Measures a model on a split of a data set.

  Args:
    cluster: a `Cluster`.
    model: an `ImageModel`, here the moving average.
    source: an `ImageSource`.
    batch_size: int, images of all replicas together. Rounded up to a multiple
      of the replicas, which changes no result but that of rounding.
    noise_draws: int, how often each image is dequantised for the one-draw bound.
    split: "train" or "test".
    importance_samples: int K; above 1, the bound of K draws together is measured
      beside it.
    max_images: int, or None for all; of the split's first images, rounded up to
      whole batches.
  """

  def __init__(self, cluster, model, source, batch_size, noise_draws, split='test',
               importance_samples=1, max_images=None):
    self._cluster = cluster
    self._model = model
    self._noise_draws = noise_draws
    self._importance_samples = importance_samples
    replicas = cluster.num_replicas
    batch_size = math.ceil(batch_size / replicas) * replicas
    num_batches = -1 if max_images is None else math.ceil(max_images / batch_size)
    self._batches = cluster.distribute(lambda index, count: data.eval_batches(
        source, split=split, batch_size=batch_size, shard_index=index,
        num_shards=count).take(num_batches))

    def replica_bits_per_dim(images, number, conditions):
      def noise_of_draw(draw):
        seed = noise_lib.EVALUATION_SEED - tf.cast(draw, tf.int64)
        return noise_lib.replica_noise(seed, number, images, replicas)
      values = [model.log_prob_bounds(images, noise_draws, noise_of_draw, **conditions)[0]]
      if importance_samples > 1:
        values.append(
            model.log_prob_bounds(images, importance_samples, noise_of_draw, **conditions)[1])
      return tf.stack([model.in_bits_per_dim(value) for value in values], -1)

    @tf.function(autograph=False)
    def bits_per_dim(images, number, conditions):
      return cluster.strategy.run(replica_bits_per_dim, args=(images, number, conditions))

    self._bits_per_dim = bits_per_dim

  def __call__(self, interrupted=lambda: False):
    """Evaluates.

    Args:
      interrupted: callable, asked before every batch whether to break off.

    Returns:
      A dict: `eval_bpd`, the mean bits/dim (one draw of the dequantisation bound
      an image and draw, averaged); `standard_error` of that mean over the images;
      `num_images`; `noise_draws`; with importance samples, `importance_weighted_bpd`
      (the bound of Burda et al. 2016, equation 8) and `importance_samples`. None
      if interrupted.
    """
    values = []
    for number, batch in enumerate(self._batches):
      if interrupted():
        return None
      bits = self._local(self._bits_per_dim(
          batch['image'], tf.constant(number, tf.int64),
          labels_lib.conditions_of(self._model, batch)))
      values.append(np.float64(bits[self._local(batch['mask']) > 0]))
    values = np.concatenate(values)
    *totals, count = self._cluster.sum_over_workers([*values.sum(0), len(values)])
    mean = totals[0] / count
    squares, = self._cluster.sum_over_workers([np.square(values[:, 0] - mean).sum()])
    error = math.sqrt(squares / max(1, count - 1) / count)
    result = dict(eval_bpd=float(mean), standard_error=error, num_images=int(count),
                  noise_draws=self._noise_draws)
    if self._importance_samples > 1:
      result.update(importance_weighted_bpd=float(totals[1] / count),
                    importance_samples=self._importance_samples)
    return result

  def _local(self, value):
    parts = self._cluster.strategy.experimental_local_results(value)
    return np.concatenate([part.numpy() for part in parts])
