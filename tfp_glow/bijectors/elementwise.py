"""Elementwise bijectors that couplings apply, and how a network's output makes them."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import flow_bijector
from tfp_glow.private import tfp as private_tfp

__all__ = ['SCALE_MAPS', 'ShiftAndScale', 'additive', 'affine']


class ShiftAndScale(flow_bijector.FlowBijector):
  """Shift, then scale, each element.

      inverse   z = (x + shift) * exp(log_scale)
      forward   x = z * exp(-log_scale) - shift
      log|dz/dx| = log_scale

  Args:
    shift: float Tensor, of a shape that broadcasts with the input.
    log_scale: float Tensor likewise, or None for a scale of 1.
    scale: None, or exp(log_scale) where there is a shorter way to it: then a
      value without its log-det does not need `log_scale`.
  """

  def __init__(self, shift, log_scale=None, scale=None, validate_args=False,
               name='shift_and_scale'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([shift, log_scale, scale], dtype_hint=tf.float32)
      self._shift = private_tfp.convert_nonref_to_tensor(shift, dtype=dtype, name='shift')
      self._log_scale = private_tfp.convert_nonref_to_tensor(
          log_scale, dtype=dtype, name='log_scale')
      self._scale = private_tfp.convert_nonref_to_tensor(scale, dtype=dtype, name='scale')
      super().__init__(
          forward_min_event_ndims=0, inverse_min_event_ndims=0,
          is_constant_jacobian=True, dtype=dtype, validate_args=validate_args,
          parameters=parameters, name=name)

  @property
  def shift(self):
    return self._shift

  @property
  def log_scale(self):
    return self._log_scale

  @property
  def scale(self):
    return self._scale

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict(shift=tfp.util.ParameterProperties(),
                log_scale=tfp.util.ParameterProperties(),
                scale=tfp.util.ParameterProperties())

  def _forward_and_log_det(self, z):
    if self.log_scale is None:
      return z - self.shift, tf.zeros_like(z)
    log_scale = tf.convert_to_tensor(self.log_scale)
    if self._scale is None:
      x = z * tf.exp(-log_scale) - self.shift
    else:
      x = z / self._scale - self.shift
    return x, tf.zeros_like(z) - log_scale

  def _inverse_and_log_det(self, x):
    if self.log_scale is None:
      return x + self.shift, tf.zeros_like(x)
    log_scale = tf.convert_to_tensor(self.log_scale)
    scale = tf.exp(log_scale) if self._scale is None else self._scale
    return (x + self.shift) * scale, tf.zeros_like(x) + log_scale


def _sigmoid_scale(h, log_factor):
  del log_factor
  return tf.math.log_sigmoid(h + 2.), tf.math.sigmoid(h + 2.)


def _tanh_scale(h, log_factor):
  factor = tf.exp(log_factor)
  return tf.math.tanh(h / factor) * factor, None


# How an affine coupling's log-scale, and its scale where that does not take an
# exp of it, follow from the network's output h.
SCALE_MAPS = {'sigmoid': _sigmoid_scale, 'tanh': _tanh_scale}


def affine(parameters, scale_map='sigmoid', log_factor=None):
  """The affine coupling's inner bijector, z = (x + shift) * scale.

  Args:
    parameters: float Tensor `[..., 2 * C]`, shift and h, the network's output.
    scale_map: "sigmoid", scale = sigmoid(h + 2) as in Glow's published code, or
      "tanh", scale = exp(tanh(h / f) * f) as in the normalizing-flows tutorial
      of the UvA deep learning course.
    log_factor: log f, a float Tensor or Variable `[C]`; with "tanh" only.

  Returns:
    A `ShiftAndScale` on `[..., C]`.
  """
  shift, h = tf.split(parameters, 2, axis=-1)
  return ShiftAndScale(shift, *SCALE_MAPS[scale_map](h, log_factor))


def additive(parameters):
  """The additive coupling's inner bijector (NICE), z = x + parameters."""
  return ShiftAndScale(parameters)
