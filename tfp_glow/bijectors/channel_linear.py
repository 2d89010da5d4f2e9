"""The base of the bijectors that multiply each pixel's channels by one matrix."""

import abc

import tensorflow as tf

from tfp_glow.bijectors import flow_bijector
from tfp_glow.layers import convolution

__all__ = ['ChannelLinear', 'apply_matrix']


class ChannelLinear(flow_bijector.FlowBijector):
  """y = W x for the channel vector x of every pixel (a 1x1 convolution).

      inverse   y = W x
      forward   x = W^-1 y
      log|det dy/dx| = H * W * log|det W|

  Parameters may carry leading dimensions, `[K, ...]` for K matrices; then
  `kernel`, `inverse_kernel` and `log_abs_det` serve all K at once, for
  `GlowLevel`, which applies them one after the other.
  """

  def __init__(self, **kwargs):
    super().__init__(
        forward_min_event_ndims=3, inverse_min_event_ndims=3,
        is_constant_jacobian=True, **kwargs)

  @property
  @abc.abstractmethod
  def num_channels(self):
    """C, an int."""

  @abc.abstractmethod
  def kernel(self):
    """W, a Tensor `[..., C, C]`."""

  @abc.abstractmethod
  def inverse_kernel(self):
    """W^-1, a Tensor `[..., C, C]`."""

  @abc.abstractmethod
  def log_abs_det(self):
    """log|det W|, a Tensor `[...]`: the log-det of one pixel."""

  def _forward_and_log_det(self, y):
    flow_bijector.check_channels(self, y, self.num_channels)
    return (apply_matrix(y, self.inverse_kernel()),
            -flow_bijector.per_image(self.log_abs_det(), y))

  def _inverse_and_log_det(self, x):
    flow_bijector.check_channels(self, x, self.num_channels)
    return (apply_matrix(x, self.kernel()),
            flow_bijector.per_image(self.log_abs_det(), x))


def apply_matrix(x, matrix, bias=None):
  """`matrix @ v (+ bias)` for the channel vector v of each pixel of x `[N, H, W, C]`."""
  return convolution.multiply_channels(x, matrix, bias, transpose_matrix=True)
