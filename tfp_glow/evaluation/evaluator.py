"""Bits/dim over a split, each image once, on any number of replicas."""

import math

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow import progress
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import labels as labels_lib

__all__ = ['Evaluator']


class Evaluator:
  """Measures a model on the splits of a data set.

  The noise of an image is a function of its number in the split and of the draw, so that the
  results do not depend on the batch size, nor on the number of replicas or machines, but for
  rounding.

  Bits/dim are those of p(image). For a model with classes that is the mean over the classes, all
  being equally likely, and takes a pass for each; one of them gives the bits/dim given the label.

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

    def noise(images, index, draw):
      return noise_lib.noise_of_images(noise_lib.EVALUATION_SEED - draw, index, images.shape[1:])

    def of_replica(images, index, draw, conditions):
      return model.log_prob(images, noise(images, index, draw), **conditions)

    def of_replica_by_class(images, index, draw, conditions):
      return model.class_log_probs(images, noise(images, index, draw), **conditions)

    @tf.function(autograph=False)
    def log_prob(*args):
      return cluster.strategy.run(of_replica, args=args)

    @tf.function(autograph=False)
    def class_log_probs(*args):
      return cluster.strategy.run(of_replica_by_class, args=args)

    self._log_prob = log_prob
    self._class_log_probs = class_log_probs

  def __call__(self, split='test', max_images=None, interrupted=lambda: False, given_label=False):
    """Evaluates.

    Args:
      split: str, a split of the data set.
      max_images: int, how many of the split's images to measure, the first; None: all.
      interrupted: callable, asked before every batch and draw whether to break off.
      given_label: bool, whether to measure a model with classes given the label alone.

    Returns:
      A dict: `eval_bpd`, the mean bits/dim (one draw of the dequantisation bound
      an image and draw, averaged); `standard_error` of that mean over the images;
      `num_images`; `noise_draws`; with importance samples, `importance_weighted_bpd`
      (the bound of Burda et al. 2016, equation 8) and `importance_samples`. Of a model with
      classes also `eval_bpd_given_label`, `importance_weighted_bpd_given_label`, and `accuracy`,
      the share of images whose label is the likeliest class by Bayes' rule; or, if that alone is
      asked for, everything that is not given the label is absent. None if interrupted.
    """
    by_class = self._model.num_classes > 0 and not given_label
    num_images = self._source.num_examples(split)
    num_images = num_images if max_images is None else min(num_images, max_images)
    num_batches = math.ceil(num_images / self._batch_size)
    num_draws = max(self._noise_draws, self._importance_samples)
    steps = progress.progress(
        self._draws(split, num_batches, num_draws), num_batches * num_draws,
        f'measuring {split} images')
    found = []
    for batch, draw in steps:
      if interrupted():
        steps.close()
        return None
      if not draw:
        present = (self._local(batch['mask']) > 0) & (self._local(batch['index']) < num_images)
        labels = self._local(batch['label'])[present] if by_class else None
        found.append(_Sums(self._noise_draws, self._importance_samples, labels))
      conditions = labels_lib.conditions_of(self._model, batch)
      if by_class:
        del conditions['labels']
      log_prob = (self._class_log_probs if by_class else self._log_prob)(
          batch['image'], batch['index'], tf.constant(draw, tf.int64), conditions)
      found[-1].add(draw, self._local(log_prob).astype(np.float64)[present])
    of_all = lambda name: np.concatenate([getattr(sums, name) for sums in found])
    if not by_class:
      suffix = '_given_label' if self._model.num_classes else ''
      return self._results(of_all('given'), suffix)
    right, count = self._cluster.sum_over_workers([of_all('right').sum(), len(of_all('right'))])
    return {**self._results(of_all('marginal')),
            **self._bits(of_all('given'), '_given_label')[0], 'accuracy': float(right / count)}

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

  def _results(self, values, suffix=''):
    """From sums of log p over the draws and their log-sum-exp, float64 `[N, 2]`."""
    result, bits, count = self._bits(values, suffix)
    mean = result[f'eval_bpd{suffix}']
    squares, = self._cluster.sum_over_workers([np.square(bits - mean).sum()])
    result.update(
        standard_error=math.sqrt(squares / max(1, count - 1) / count), num_images=int(count),
        noise_draws=self._noise_draws)
    if self._importance_samples > 1:
      result.update(importance_samples=self._importance_samples)
    return result

  def _bits(self, values, suffix):
    """The mean bits/dim of such sums in a dict, those of each image, and how many there are."""
    samples = self._importance_samples
    bits = self._model.in_bits_per_dim(values[:, 0] / self._noise_draws)
    bound = self._model.in_bits_per_dim(values[:, 1] - math.log(samples))
    total, bound, count = self._cluster.sum_over_workers([bits.sum(), bound.sum(), len(bits)])
    result = {f'eval_bpd{suffix}': float(total / count)}
    if samples > 1:
      result[f'importance_weighted_bpd{suffix}'] = float(bound / count)
    return result, bits, count

  def _local(self, value):
    parts = self._cluster.strategy.experimental_local_results(value)
    return np.concatenate([part.numpy() for part in parts])


class _Sums:
  """What the draws of a batch of images add up to.

  Args:
    noise_draws, importance_samples: ints, the draws that count for the one bound and the other.
    labels: int array `[N]`, with which `add` takes log p of every class; or None.

  Attributes:
    given: float64 array `[N, 2]`, the sum of log p over the draws and their log-sum-exp.
    marginal: the same of log mean_y p(image | y).
    right: bool array `[N]`, whether the label is the likeliest class.
  """

  def __init__(self, noise_draws, importance_samples, labels=None):
    self._num_draws = noise_draws, importance_samples
    self._labels = labels
    self._class_sums = 0.
    self.given = self.marginal = None

  def add(self, draw, log_prob):
    """Adds log p of a draw, float64 `[N]`, or `[N, classes]`."""
    if self._labels is None:
      self.given = self._added(self.given, draw, log_prob)
      return
    self.given = self._added(
        self.given, draw, np.take_along_axis(log_prob, self._labels[:, None], 1)[:, 0])
    self.marginal = self._added(
        self.marginal, draw,
        np.logaddexp.reduce(log_prob, -1) - math.log(log_prob.shape[-1]))
    if draw < self._num_draws[0]:
      self._class_sums += log_prob

  @property
  def right(self):
    return np.argmax(self._class_sums, -1) == self._labels

  def _added(self, sums, draw, log_prob):
    if sums is None:
      sums = np.zeros([len(log_prob), 2]) - [0., math.inf]
    if draw < self._num_draws[0]:
      sums[:, 0] += log_prob
    if draw < self._num_draws[1]:
      sums[:, 1] = np.logaddexp(sums[:, 1], log_prob)
    return sums
