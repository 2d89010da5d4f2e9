"""Images whose class nobody has told: sums over the classes, and labels by chance."""

import math

import numpy as np
import tensorflow as tf

from tfp_glow.distributions import random

__all__ = ['draw_labels', 'log_mean', 'probabilities']

# Keeps the labels apart from the latents that are drawn with the same seed.
_STREAM = 1


def log_mean(class_log_probs):
  """log p(image) = log mean_y p(image | y), all classes being equally likely before.

  Args:
    class_log_probs: float Tensor `[N, num_classes]`, log p(image | y).

  Returns:
    A Tensor `[N]`.
  """
  return tf.reduce_logsumexp(class_log_probs, -1) - math.log(class_log_probs.shape[-1])


def probabilities(class_log_probs, prior=None):
  """P(label | image) by Bayes' rule, softmax(log p(image | label) + log prior).

  Args:
    class_log_probs: float Tensor `[N, num_classes]`.
    prior: float array `[num_classes]`, P(label) up to a factor; None: all equal.

  Returns:
    A Tensor `[N, num_classes]`, whose rows sum to 1.

  Raises:
    ValueError: for a prior of another shape, or one with negative numbers.
  """
  if prior is not None:
    num_classes, prior = class_log_probs.shape[-1], np.asarray(prior, np.float64)
    if prior.shape != (num_classes,) or not np.all(prior >= 0) or not np.any(prior > 0):
      raise ValueError(
          f'prior must be {num_classes} numbers of at least 0 and not all 0, got {prior}.')
    with np.errstate(divide='ignore'):
      class_log_probs += tf.constant(np.log(prior), class_log_probs.dtype)
  return tf.nn.softmax(class_log_probs)


def draw_labels(num, num_classes, seed):
  """Labels, each of the classes being equally likely.

  Args:
    num: int or int32 scalar Tensor.
    num_classes: int.
    seed: two ints, or an integer Tensor `[2]`; the same gives the same labels, under XLA too.

  Returns:
    int32 Tensor `[num]`.

  Raises:
    ValueError: for another seed.
  """
  seed = random.checked_seed(seed)
  seed = tf.cast(seed, tf.int64) if tf.is_tensor(seed) else tf.constant(seed, tf.int64)
  seed = tf.random.experimental.stateless_fold_in(seed, _STREAM, alg='philox')
  return tf.cast(num_classes * random.uniform([num], seed), tf.int32)
