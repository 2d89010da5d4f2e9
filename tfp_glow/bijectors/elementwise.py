"""Elementwise bijectors that couplings apply, and how a network's output makes them."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import flow_bijector
from tfp_glow.private import tfp as private_tfp

__all__ = ['SCALE_MAPS', 'ShiftAndScale', 'ShiftAndSigmoidScale', 'additive', 'affine']


class ShiftAndScale(flow_bijector.FlowBijector):
  """Shift, then scale, each element.

      inverse   z = (x + shift) * scale
      forward   x = z / scale - shift
      log|dz/dx| = log|scale|

  Args:
    shift: float Tensor, of a shape that broadcasts with the input.
    log_scale: float Tensor likewise, scale = exp(log_scale); or None.
    scale: float Tensor likewise, of any sign, not zero; or None. Without either
      of the two the scale is 1.
    validate_args: bool, whether to assert that they are finite and no scale is zero.

  Raises:
    ValueError: if both scales are given.
  """

  def __init__(self, shift, log_scale=None, scale=None, validate_args=False, parameters=None,
               name='shift_and_scale'):
    parameters = dict(locals()) if parameters is None else parameters
    if log_scale is not None and scale is not None:
      raise ValueError(
          f'{name}: takes log_scale or scale, got both; a copy with the other one needs '
          'None for the one before.')
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([shift, log_scale, scale], dtype_hint=tf.float32)
      convert = lambda value, name: private_tfp.convert_nonref_to_tensor(
          value, dtype=dtype, name=name)
      self._shift = convert(shift, 'shift')
      self._log_scale = convert(log_scale, 'log_scale')
      self._scale = convert(scale, 'scale')
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

  def _parameter_control_dependencies(self, is_init):
    if not self.validate_args:
      return []
    given = dict(shift=self._shift, log_scale=self._log_scale, scale=self._scale)
    checks = [tf.debugging.assert_all_finite(t, f'{self.name}: {name} is not finite')
              for name, t in given.items() if t is not None]
    if self._scale is not None:
      checks.append(tf.debugging.assert_none_equal(
          self._scale, tf.zeros([], self.dtype), message='scale must not be zero'))
    return checks

  def _is_increasing(self, **kwargs):
    return True if self._scale is None else self._scale > 0.

  def _scale_and_log(self):
    """The scale and log|scale|, None twice for a scale of 1."""
    if self._log_scale is not None:
      log_scale = tf.convert_to_tensor(self._log_scale)
      return tf.exp(log_scale), log_scale
    if self._scale is not None:
      scale = tf.convert_to_tensor(self._scale)
      return scale, tf.math.log(tf.abs(scale))
    return None, None

  def _forward_and_log_det(self, z):
    scale, log_scale = self._scale_and_log()
    if scale is None:
      return z - self.shift, tf.zeros_like(z)
    return z / scale - self.shift, tf.zeros_like(z) - log_scale

  def _inverse_and_log_det(self, x):
    scale, log_scale = self._scale_and_log()
    if scale is None:
      return x + self.shift, tf.zeros_like(x)
    return (x + self.shift) * scale, tf.zeros_like(x) + log_scale


class ShiftAndSigmoidScale(ShiftAndScale):
  """`ShiftAndScale` with scale = sigmoid(logit).

  Scale and log-scale are each computed by the shortest way, so a value without its
  log-det needs no logarithm, and neither overflows.

  Args:
    shift, logit: float Tensors, of shapes that broadcast with the input.
  """

  def __init__(self, shift, logit, validate_args=False, name='shift_and_sigmoid_scale'):
    parameters = dict(locals())
    dtype = private_tfp.common_dtype([shift, logit], dtype_hint=tf.float32)
    self._logit = private_tfp.convert_nonref_to_tensor(logit, dtype=dtype, name='logit')
    super().__init__(
        private_tfp.convert_nonref_to_tensor(shift, dtype=dtype, name='shift'),
        validate_args=validate_args, parameters=parameters, name=name)

  def _parameter_control_dependencies(self, is_init):
    if not self.validate_args:
      return []
    return super()._parameter_control_dependencies(is_init) + [
        tf.debugging.assert_all_finite(self.logit, f'{self.name}: logit is not finite')]

  @property
  def logit(self):
    return self._logit

  @property
  def log_scale(self):
    return tf.math.log_sigmoid(self.logit)

  @property
  def scale(self):
    return tf.math.sigmoid(self.logit)

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict(shift=tfp.util.ParameterProperties(), logit=tfp.util.ParameterProperties())

  def _scale_and_log(self):
    logit = tf.convert_to_tensor(self.logit)
    return tf.math.sigmoid(logit), tf.math.log_sigmoid(logit)


def _tanh(h, log_factor):
  factor = tf.exp(log_factor)
  return tf.math.tanh(h / factor) * factor


# The log-scale of a coupling's affine map, from the network's output h and log_factor.
SCALE_MAPS = {'sigmoid': lambda h, _: tf.math.log_sigmoid(h + 2.), 'tanh': _tanh}


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
  if scale_map == 'sigmoid':
    return ShiftAndSigmoidScale(shift, h + 2.)
  return ShiftAndScale(shift, SCALE_MAPS[scale_map](h, log_factor))


def additive(parameters):
  """The additive coupling's inner bijector (NICE), z = x + parameters."""
  return ShiftAndScale(parameters)
