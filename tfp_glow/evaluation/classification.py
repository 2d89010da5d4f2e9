"""How well a class-conditional model tells the class of an image, by Bayes' rule."""

import math

import numpy as np
import tensorflow as tf

from tfp_glow import data
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import progress

__all__ = ['classify']


def classify(cluster, model, source, batch_size, noise_draws, split='test'):
  """Classifies every image of a split by its likelihoods, all classes equally likely before.

  Args:
    cluster: a `Cluster`.
    model: an `ImageModel` with classes.
    source: an `ImageSource`.
    batch_size: int, images of all replicas together, rounded up as by `Evaluator`.
    noise_draws: int, how often each image is dequantised; the log-likelihoods are averaged.
    split: "train" or "test".

  Returns:
    A dict: `accuracy`, the share of images whose label is the likeliest class; and
    `marginal_bpd`, the mean bits/dim of the images without their labels,
    log mean_y p(image | y), which is what compares with a model without classes.
  """
  replicas = cluster.num_replicas
  batch_size = math.ceil(batch_size / replicas) * replicas
  batches = cluster.distribute(lambda index, count: data.eval_batches(
      source, split=split, batch_size=batch_size, shard_index=index, num_shards=count))

  def replica_log_probs(images, index, draw):
    noise = noise_lib.noise_of_images(noise_lib.EVALUATION_SEED - draw, index, images.shape[1:])
    return model.class_log_probs(images, noise)

  @tf.function(autograph=False)
  def log_probs(images, index, draw):
    return cluster.strategy.run(replica_log_probs, args=(images, index, draw))

  def local(value):
    parts = cluster.strategy.experimental_local_results(value)
    return np.concatenate([part.numpy() for part in parts])

  sums = np.zeros(3)
  num_batches = math.ceil(source.num_examples(split) / batch_size)
  for batch in progress.progress(batches, num_batches, f'classifying {split} images'):
    draws = np.array([
        local(log_probs(batch['image'], batch['index'], tf.constant(draw, tf.int64)))
        for draw in range(noise_draws)], np.float64)
    present = local(batch['mask']) > 0
    right = np.mean(draws, 0).argmax(-1) == local(batch['label'])
    marginal = np.mean(np.logaddexp.reduce(draws, -1) - math.log(model.num_classes), 0)
    sums += [right[present].sum(), marginal[present].sum(), present.sum()]
  right, marginal, count = cluster.sum_over_workers(sums)
  return dict(accuracy=float(right / count),
              marginal_bpd=float(-marginal / count / (model.event_size * math.log(2.))))
