"""Bits/dim over a split, each image once, on any number of replicas."""

import math

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import labels as labels_lib
from tfp_glow.runs import progress

__all__ = ['Evaluator']


class Evaluator:
  """Measures a model on the splits of a data set.

  The noise of an image is a function of its number in the split and of the draw, so that the
  results do not depend on the batch size, nor on the number of replicas or machines, but for
  rounding.

  Args:
    cluster: a `Cluster`.
    model: an `ImageModel`, here the moving average.
    source: an `ImageSource`.
    batch_size: int, images of all replicas together, rounded up to a multiple of them.
    noise_draws: int, how often each image is dequantised for the one-draw bound.
    importance_samples: int K; above 1, the bound of K draws together is measured
      beside it.
  """

  def __init__(self, cluster, model, source, batch_size, noise_draws, importance_samples=1):
    self._cluster = cluster
    self._model = model
    self._source = source
    self._noise_draws = noise_draws
    self._importance_samples = importance_samples
    replicas = cluster.num_replicas
    self._batch_size = math.ceil(batch_size / replicas) * replicas
    self._batches = {}

    def replica_log_prob(images, index, draw, conditions):
      noise = noise_lib.noise_of_images(
          noise_lib.EVALUATION_SEED - draw, index, images.shape[1:])
      return model.log_prob(images, noise, **conditions)

    @tf.function(autograph=False)
    def log_prob(images, index, draw, conditions):
      return cluster.strategy.run(replica_log_prob, args=(images, index, draw, conditions))

    self._log_prob = log_prob

  def __call__(self, split='test', max_images=None, interrupted=lambda: False):
    """Evaluates.

    Args:
      split: str, a split of the data set.
      max_images: int, how many of the split's images to measure, the first; None: all.
      interrupted: callable, asked before every batch and draw whether to break off.

    Returns:
      A dict: `eval_bpd`, the mean bits/dim (one draw of the dequantisation bound
      an image and draw, averaged); `standard_error` of that mean over the images;
      `num_images`; `noise_draws`; with importance samples, `importance_weighted_bpd`
      (the bound of Burda et al. 2016, equation 8) and `importance_samples`. None
      if interrupted.
    """
    num_images = self._source.num_examples(split)
    num_images = num_images if max_images is None else min(num_images, max_images)
    num_batches = math.ceil(num_images / self._batch_size)
    num_draws = max(self._noise_draws, self._importance_samples)
    steps = progress.progress(
        self._draws(split, num_batches, num_draws), num_batches * num_draws,
        f'measuring {split} images')
    values = []
    for batch, draw in steps:
      if interrupted():
        steps.close()
        return None
      if not draw:
        present = (self._local(batch['mask']) > 0) & (self._local(batch['index']) < num_images)
        values.append(np.zeros([present.sum(), 2]) - [0., math.inf])
      log_prob = self._local(self._log_prob(
          batch['image'], batch['index'], tf.constant(draw, tf.int64),
          labels_lib.conditions_of(self._model, batch))).astype(np.float64)[present]
      if draw < self._noise_draws:
        values[-1][:, 0] += log_prob
      if draw < self._importance_samples:
        values[-1][:, 1] = np.logaddexp(values[-1][:, 1], log_prob)
    return self._results(np.concatenate(values))

  def _draws(self, split, num_batches, num_draws):
    """`(batch, draw)` of every batch and draw."""
    if (split, num_batches) not in self._batches:
      self._batches[split, num_batches] = self._cluster.distribute(
          lambda index, count: data.eval_batches(
              self._source, split=split, batch_size=self._batch_size, shard_index=index,
              num_shards=count).take(num_batches))
    for batch in self._batches[split, num_batches]:
      for draw in range(num_draws):
        yield batch, draw

  def _results(self, values):
    """From sums of log p over the draws and their log-sum-exp, float64 `[N, 2]`."""
    samples = self._importance_samples
    bits = self._model.in_bits_per_dim(values[:, 0] / self._noise_draws)
    bound = self._model.in_bits_per_dim(values[:, 1] - math.log(samples))
    total, bound, count = self._cluster.sum_over_workers([bits.sum(), bound.sum(), len(bits)])
    mean = total / count
    squares, = self._cluster.sum_over_workers([np.square(bits - mean).sum()])
    result = dict(
        eval_bpd=float(mean), standard_error=math.sqrt(squares / max(1, count - 1) / count),
        num_images=int(count), noise_draws=self._noise_draws)
    if samples > 1:
      result.update(importance_weighted_bpd=float(bound / count), importance_samples=samples)
    return result

  def _local(self, value):
    parts = self._cluster.strategy.experimental_local_results(value)
    return np.concatenate([part.numpy() for part in parts])
