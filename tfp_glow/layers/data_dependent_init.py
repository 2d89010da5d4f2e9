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
    `bias`, `log_scale`: Tensors `[C]` of x's dtype, or float32 where that is of half
    precision. The standard deviation of a channel counts as at least `MIN_STDDEV`, so
    a constant channel gets a finite scale.

  Raises:
    ValueError: if x is empty, or mean or variance are not finite. What is known only
      when a graph runs is an InvalidArgumentError then (under XLA, which has no
      assertions, nothing).
  """
  if x.dtype in (tf.bfloat16, tf.float16):
    x = tf.cast(x, tf.float32)
  axes = list(range(x.shape.rank - 1))
  count = _sum_over_replicas(tf.cast(tf.reduce_prod(tf.shape(x)[:-1]), x.dtype))
  mean = _sum_over_replicas(tf.reduce_sum(x, axes)) / count
  variance = _sum_over_replicas(tf.reduce_sum(tf.square(x - mean), axes)) / count
  checks = [
      _assert(count > 0., 'data-dependent initialisation needs images, got an empty batch '
              f'of the shape {x.shape}'),
      _assert(tf.reduce_all(tf.math.is_finite(variance)), 'data-dependent initialisation '
              'needs finite images, got NaN, Inf or numbers too large to be squared')]
  with tf.control_dependencies([check for check in checks if check is not None]):
    stddev = tf.maximum(tf.sqrt(variance), tf.cast(MIN_STDDEV, x.dtype))
    return -mean, -tf.math.log(stddev)


def _assert(condition, message):
  """An assertion of the graph, or a ValueError at once where values are known."""
  if not tf.executing_eagerly():
    return tf.debugging.Assert(condition, [message])
  if not condition:
    raise ValueError(f'{message}.')
  return None


def num_replicas():
  """How many replicas run the present code together."""
  context = tf.distribute.get_replica_context()
  return 1 if context is None else context.num_replicas_in_sync


def _sum_over_replicas(x):
  if num_replicas() == 1:
    return x
  return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, x)
