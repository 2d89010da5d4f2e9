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

  Parameters may carry leading dimensions, `[..., C, C]`, for a batch of matrices, which
  as in TFP broadcasts with the images' batch shape. `kernel`, `inverse_kernel` and
  `log_abs_det` then serve all of them at once.
  """

  def __init__(self, **kwargs):
    super().__init__(
        forward_min_event_ndims=3, inverse_min_event_ndims=3,
        is_constant_jacobian=True, **kwargs)

  @property
  def folds_batch(self):
    return self.experimental_batch_shape().rank == 0

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
    x, log_abs_det = self._apply(y, self.inverse_kernel())
    return x, -log_abs_det

  def _inverse_and_log_det(self, x):
    return self._apply(x, self.kernel())

  def _apply(self, x, matrix):
    x = flow_bijector.check_channels(self, x, self.num_channels)
    # The dtypes differ only for matrices that take images of any.
    y = apply_matrix(x, tf.cast(matrix, x.dtype))
    return y, flow_bijector.per_image(tf.cast(self.log_abs_det(), x.dtype), y)


def apply_matrix(x, matrix, bias=None):
  """`matrix @ v (+ bias)` for the channel vector v of each pixel.

  Args:
    x: float Tensor `[..., H, W, C]`.
    matrix: Tensor `[..., C, C]`, leading dimensions as those of x or such that they broadcast.
    bias: None, or Tensor `[..., C]` likewise.
  """
  if matrix.shape.rank == 2:
    return convolution.multiply_channels(x, matrix, bias, transpose_matrix=True)
  y = tf.matmul(x, matrix[..., tf.newaxis, :, :], transpose_b=True)
  return y if bias is None else y + bias[..., tf.newaxis, tf.newaxis, :]
