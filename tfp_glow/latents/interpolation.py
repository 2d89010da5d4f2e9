"""Paths between latents."""

import tensorflow as tf

from tfp_glow.latents import blocks

__all__ = ['METHODS', 'interpolate', 'nearer']

METHODS = ('linear', 'spherical')


def interpolate(start, end, weights, method='linear', latent_shapes=None, scales=None):
  """Latents between two ends.

      linear      (1 - t) a + t b
      spherical   (sin((1 - t) w) a + sin(t w) b) / sin w,   w the angle between a and b

  The spherical path (Shoemake 1985) keeps the length that latents of a standard normal have;
  the straight line is shorter in its middle, where images come out smoother than samples are.

  Args:
    start, end: float Tensors `[N, D]`.
    weights: float Tensor `[S]`, t, 0 being the start and 1 the end.
    method: "linear" or "spherical".
    latent_shapes: None to take the latent as a whole, or a flow's `latent_shapes`, for a
      spherical path of its own in each scale.
    scales: None for all, or a list of ints, the scales that move, 0 being the finest; the
      others stay at the start. Needs `latent_shapes`.

  Returns:
    A Tensor `[N, S, D]`.

  Raises:
    ValueError: for an unknown method, scales that do not exist, or latents of another size.
  """
  if method not in METHODS:
    raise ValueError(f'the method must be one of {METHODS}, got {method!r}.')
  start, end = tf.convert_to_tensor(start), tf.convert_to_tensor(end)
  weights = tf.cast(weights, start.dtype)
  if scales is not None and latent_shapes is None:
    raise ValueError('latent_shapes is needed to tell the scales apart.')
  if latent_shapes is None:
    return _path(start, end, weights, method)
  moving = blocks.check_scales(scales, latent_shapes)
  still = tf.zeros_like(weights)
  return tf.concat([
      _path(a, b, weights if i in moving else still, method)
      for i, (a, b) in enumerate(zip(blocks.split(start, latent_shapes),
                                     blocks.split(end, latent_shapes)))], -1)


def nearer(start, end, weights):
  """What the nearer of two ends has, such as its label; in the middle what the start has.

  Args:
    start, end: Tensors `[N]`.
    weights: float Tensor `[S]`, as of `interpolate`.

  Returns:
    A Tensor `[N, S]`.
  """
  return tf.where(tf.convert_to_tensor(weights) <= .5, tf.convert_to_tensor(start)[:, None],
                  tf.convert_to_tensor(end)[:, None])


def _path(start, end, weights, method):
  start, end, t = start[:, None], end[:, None], weights[None, :, None]
  if method == 'linear':
    return (1. - t) * start + t * end
  cosine = tf.reduce_sum(
      tf.math.l2_normalize(start, -1) * tf.math.l2_normalize(end, -1), -1, keepdims=True)
  # Of parallel latents the arc is the straight line; of opposite ones it is not determined.
  is_arc = tf.square(cosine) < 1. - 1e-6
  # What is not chosen must have a gradient too, or its infinity times 0 is one.
  angle = tf.acos(tf.where(is_arc, cosine, 0.))
  arc = (tf.sin((1. - t) * angle) * start + tf.sin(t * angle) * end) / tf.sin(angle)
  return tf.where(is_arc, arc, (1. - t) * start + t * end)
