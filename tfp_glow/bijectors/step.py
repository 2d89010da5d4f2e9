"""One step of flow: ActNorm, 1x1 convolution, coupling."""

import tensorflow as tf

from tfp_glow.bijectors import actnorm as actnorm_lib
from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import coupling as coupling_lib
from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import invertible_conv

__all__ = ['GlowStep', 'fold_forward', 'fold_inverse']


def fold_inverse(actnorm, linear):
  """ActNorm, then the channel matrix, as one matrix and bias.

      W ((x + b) * s) = (W diag(s)) x + (W diag(s)) b,   s = exp(log_scale)

  Args:
    actnorm: `ActNorm`, parameters `[..., C]`.
    linear: `ChannelLinear`, matrices `[..., C, C]`.

  Returns:
    `matrix` `[..., C, C]`, `bias` `[..., C]` of the map from image to latent,
    and `log_det` `[...]`, its log|det| for one pixel.
  """
  matrix = linear.kernel() * tf.exp(actnorm.log_scale)[..., tf.newaxis, :]
  bias = tf.linalg.matvec(matrix, actnorm.bias)
  return matrix, bias, actnorm.log_abs_det() + linear.log_abs_det()


def fold_forward(actnorm, linear):
  """The inverse matrix, then the inverse ActNorm, as one matrix and bias.

      (W^-1 z) * exp(-log_scale) - b = (diag(exp(-log_scale)) W^-1) z - b

  Returns:
    As `fold_inverse`, for the map from latent to image.
  """
  matrix = tf.exp(-actnorm.log_scale)[..., tf.newaxis] * linear.inverse_kernel()
  bias = -tf.convert_to_tensor(actnorm.bias)
  return matrix, bias, -actnorm.log_abs_det() - linear.log_abs_det()


class GlowStep(flow_bijector.FlowBijector):
  """One step of flow (Kingma & Dhariwal 2018, figure 2a and table 1).

      inverse   z = coupling.inverse(linear.inverse(actnorm.inverse(x)))
      forward   x = actnorm.forward(linear.forward(coupling.forward(z)))

  ActNorm and the channel matrix are folded into one matrix product.

  Args:
    actnorm: an `ActNorm`.
    linear: an `InvertibleConv1x1` or another `ChannelLinear`.
    coupling: a `Coupling`.

  Inputs are `[..., H, W, C]`.
  """

  def __init__(self, actnorm, linear, coupling, validate_args=False, name='glow_step'):
    parameters = dict(locals())
    for part in (actnorm, linear):
      if part.experimental_batch_shape().rank != 0:
        raise ValueError(
            f'{name}: a step is made of single maps, got {part.name} with the batch shape '
            f'{part.experimental_batch_shape()}.')
    with tf.name_scope(name) as name:
      self._actnorm = actnorm
      self._linear = linear
      self._coupling = coupling
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=actnorm.dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def trainable(cls, num_channels, network, parameterization='lu', scale_map='sigmoid',
                seed=0, dtype=tf.float32, name='glow_step'):
    """A step with an affine coupling and Variables of its own.

    Args:
      num_channels: int, C.
      network: as for `AffineCoupling.trainable`.
      parameterization: "lu" or "plain", as for `InvertibleConv1x1.trainable`.
      scale_map: "sigmoid" or "tanh", as for `AffineCoupling`.
      seed: int.
      dtype: float dtype of the Variables.
      name: str.
    """
    return cls(
        actnorm_lib.ActNorm.trainable(num_channels, dtype),
        invertible_conv.InvertibleConv1x1.trainable(
            num_channels, parameterization, seed, dtype),
        coupling_lib.AffineCoupling.trainable(
            num_channels, network, scale_map, seed=seed, dtype=dtype),
        name=name)

  @property
  def actnorm(self):
    return self._actnorm

  @property
  def linear(self):
    return self._linear

  @property
  def coupling(self):
    return self._coupling

  @property
  def conditions(self):
    return self.coupling.conditions

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def initialize(self, x, **conditions):
    """Data-dependent initialisation of the ActNorms from images x `[..., H, W, C]`."""
    self.actnorm.initialize(x)
    x = self.linear.inverse_and_log_det(self.actnorm.inverse_and_log_det(x)[0])[0]
    self.coupling.initialize(x, **conditions)

  def _forward_and_log_det(self, z, **conditions):
    flow_bijector.check_channels(self, z, self.linear.num_channels)
    x, log_det = flow_bijector.forward_and_log_det(self.coupling, z, 3, **conditions)
    matrix, bias, log_det_per_pixel = fold_forward(self.actnorm, self.linear)
    return (channel_linear.apply_matrix(x, matrix, bias),
            log_det + flow_bijector.per_image(log_det_per_pixel, z))

  def _inverse_and_log_det(self, x, **conditions):
    flow_bijector.check_channels(self, x, self.linear.num_channels)
    matrix, bias, log_det_per_pixel = fold_inverse(self.actnorm, self.linear)
    z, log_det = flow_bijector.inverse_and_log_det(
        self.coupling, channel_linear.apply_matrix(x, matrix, bias), 3, **conditions)
    return z, log_det + flow_bijector.per_image(log_det_per_pixel, x)
