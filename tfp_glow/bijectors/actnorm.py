"""ActNorm: a per-channel affine map that starts by whitening a batch."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import data_dependent_init
from tfp_glow.private import tfp as private_tfp

__all__ = ['ActNorm']


class ActNorm(flow_bijector.FlowBijector):
  """Per-channel affine map (Kingma & Dhariwal 2018, section 3.1).

      inverse   z = (x + bias) * exp(log_scale)
      forward   x = z * exp(-log_scale) - bias
      log|det dz/dx| = H * W * sum(log_scale)

  Args:
    bias, log_scale: float Tensors or Variables of shape `[C]`, or `[..., C]` for a
      batch of such maps, which as in TFP broadcasts with the images' batch shape.
    validate_args: bool, whether to assert that they are finite.

  Inputs are `[..., H, W, C]` of the parameters' dtype.

  Raises:
    ValueError: if bias and log-scale are not for the same number of channels.
  """

  def __init__(self, bias, log_scale, validate_args=False, name='actnorm'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([bias, log_scale], dtype_hint=tf.float32)
      self._bias = private_tfp.convert_nonref_to_tensor(bias, dtype=dtype, name='bias')
      self._log_scale = private_tfp.convert_nonref_to_tensor(
          log_scale, dtype=dtype, name='log_scale')
      shapes = self._bias.shape, self._log_scale.shape
      if any(not shape.rank for shape in shapes) or shapes[0][-1] != shapes[1][-1]:
        raise ValueError(
            f'{name}: bias and log_scale must have the shape [..., channels], '
            f'got {shapes[0]} and {shapes[1]}.')
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3,
          is_constant_jacobian=True, dtype=dtype, validate_args=validate_args,
          parameters=parameters, name=name)

  @classmethod
  def trainable(cls, num_channels, dtype=tf.float32, name='actnorm'):
    """An ActNorm with Variables of its own, the identity until `initialize`.

    Args:
      num_channels: int, C.
      dtype: float dtype of the Variables.
      name: str.
    """
    zeros = tf.zeros([num_channels], dtype)
    return cls(trainable_variable.make(zeros, 'bias'),
               trainable_variable.make(zeros, 'log_scale'), name=name)

  def _parameter_control_dependencies(self, is_init):
    if not self.validate_args:
      return []
    return [tf.debugging.assert_all_finite(t, f'{self.name}: bias or log_scale is not finite')
            for t in (self.bias, self.log_scale)]

  @property
  def folds_batch(self):
    return self.bias.shape.rank == 1 and self.log_scale.shape.rank == 1

  @property
  def bias(self):
    return self._bias

  @property
  def log_scale(self):
    return self._log_scale

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict(bias=tfp.util.ParameterProperties(event_ndims=1),
                log_scale=tfp.util.ParameterProperties(event_ndims=1))

  def initialize(self, x):
    """Sets the Variables so that `inverse(x)` has mean 0 and variance 1 per channel.

    Data-dependent initialisation happens here and nowhere else. Called in a
    replica context it uses the statistics of the global batch.

    Args:
      x: float Tensor `[..., H, W, C]`; one image will do. The standard
        deviation counts as at least `data_dependent_init.MIN_STDDEV`.

    Raises:
      ValueError: if the parameters are not Variables or the channels differ.
    """
    for name, parameter in (('bias', self.bias), ('log_scale', self.log_scale)):
      if not isinstance(parameter, tf.Variable):
        raise ValueError(
            f'{self.name}: initialize() needs Variables to assign to, and {name} is a '
            f'{type(parameter).__name__}; make the bijector with ActNorm.trainable.')
    if not self.folds_batch:
      raise ValueError(
          f'{self.name}: initialize() sets one map, got parameters of the shapes '
          f'{self.bias.shape} and {self.log_scale.shape}.')
    x = self._with_channels(tf.convert_to_tensor(x, self.dtype))
    bias, log_scale = data_dependent_init.whitening(x)
    self.bias.assign(bias)
    self.log_scale.assign(log_scale)

  def log_abs_det(self):
    """sum(log_scale), the log|det dz/dx| of one pixel."""
    return tf.reduce_sum(self.log_scale, -1)

  def _forward_and_log_det(self, z):
    z = self._with_channels(z)
    log_scale = tf.convert_to_tensor(self.log_scale)
    x = z * _for_pixels(tf.exp(-log_scale)) - _for_pixels(self.bias)
    return x, flow_bijector.per_image(-tf.reduce_sum(log_scale, -1), x)

  def _inverse_and_log_det(self, x):
    x = self._with_channels(x)
    log_scale = tf.convert_to_tensor(self.log_scale)
    z = (x + _for_pixels(self.bias)) * _for_pixels(tf.exp(log_scale))
    return z, flow_bijector.per_image(tf.reduce_sum(log_scale, -1), z)

  def _with_channels(self, x):
    return flow_bijector.check_channels(self, x, self.bias.shape[-1])


def _for_pixels(parameter):
  """`[..., C]` as it broadcasts with images `[..., H, W, C]`."""
  parameter = tf.convert_to_tensor(parameter)
  return parameter if parameter.shape.rank == 1 else parameter[..., tf.newaxis, tf.newaxis, :]
