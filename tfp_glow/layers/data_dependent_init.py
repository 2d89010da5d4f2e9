"""The affine map that whitens a batch per channel, for ActNorm's initialisation."""

import tensorflow as tf

__all__ = ['MIN_STDDEV', 'num_replicas', 'whitening']

# Below the noise of 8-bit dequantisation (1 / 256 / sqrt(12) = 1.1e-3) a
# channel's spread says nothing about the scale that it should be given.
MIN_STDDEV = 1e-3


def whitening(x):
  """Bias and log-scale with which `(x + bias) * exp(log_scale)` is whitened.

  Two passes (mean, then centred squares), each reduced over all replicas, so
  that every replica gets the same numbers and they are those of the
  concatenated batch (Kingma & Dhariwal 2018, section 3.1).

  Args:
    x: float Tensor `[..., C]`; a single image will do.

  Returns:
    `bias`, `log_scale`: Tensors `[C]` of x's dtype. The standard deviation of
    a channel counts as at least `MIN_STDDEV`, so a constant channel gets a
    finite scale.
  """
  axes = list(range(x.shape.rank - 1))
  count = tf.cast(tf.size(x) / tf.shape(x)[-1], x.dtype)
  count = _sum_over_replicas(count)
  mean = _sum_over_replicas(tf.reduce_sum(x, axes)) / count
  variance = _sum_over_replicas(tf.reduce_sum(tf.square(x - mean), axes)) / count
  stddev = tf.maximum(tf.sqrt(variance), tf.cast(MIN_STDDEV, x.dtype))
  return -mean, -tf.math.log(stddev)


def num_replicas():
  """How many replicas run the present code together."""
  context = tf.distribute.get_replica_context()
  return 1 if context is None else context.num_replicas_in_sync


def _sum_over_replicas(x):
  if num_replicas() == 1:
    return x
  return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, x)
