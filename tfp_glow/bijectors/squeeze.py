"""Squeeze: trades resolution for channels."""

import tensorflow as tf

from tfp_glow.bijectors import flow_bijector
from tfp_glow.layers import static_shape

__all__ = ['Squeeze']


class Squeeze(flow_bijector.FlowBijector):
  """Blocks of pixels become channels (Dinh et al. 2017, section 3.6).

      inverse   z = tf.nn.space_to_depth(x, factor)
      forward   x = tf.nn.depth_to_space(z, factor)
      log|det dz/dx| = 0

  Images x are `[..., H, W, C]`, z are `[..., H / f, W / f, f * f * C]`.

  Args:
    factor: int, f, at least 2.
    dtype: dtype of the images, or None for any.
    validate_args: bool, of no effect: sizes are checked always.

  Raises:
    ValueError: for images whose height or width is no multiple of `factor`.
  """

  def __init__(self, factor=2, dtype=None, validate_args=False, name='squeeze'):
    parameters = dict(locals())
    if factor < 2:
      raise ValueError(f'{name}: factor must be at least 2, got {factor}.')
    with tf.name_scope(name) as name:
      self._factor = factor
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3,
          is_constant_jacobian=True, dtype=dtype, validate_args=validate_args,
          parameters=parameters, name=name)

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  @property
  def factor(self):
    return self._factor

  @property
  def _is_permutation(self):
    return True

  def _forward_and_log_det(self, z):
    self._forward_shape(z.shape[1:])
    return tf.nn.depth_to_space(z, self.factor), tf.zeros(static_shape.sizes(z)[:1], z.dtype)

  def _inverse_and_log_det(self, x):
    self._inverse_shape(x.shape[1:])
    return tf.nn.space_to_depth(x, self.factor), tf.zeros(static_shape.sizes(x)[:1], x.dtype)

  def _forward_shape(self, shape):
    height, width, channels = shape
    f = self.factor
    if channels is not None and channels % f**2:
      raise ValueError(
          f'{self.name}: cannot unsqueeze {channels} channels by {f}: their number '
          f'must be a multiple of {f**2}.')
    return tf.TensorShape([
        None if height is None else height * f, None if width is None else width * f,
        None if channels is None else channels // f**2])

  def _inverse_shape(self, shape):
    height, width, channels = shape
    f = self.factor
    for name, size in (('height', height), ('width', width)):
      if size is not None and size % f:
        raise ValueError(
            f'{self.name}: cannot squeeze images of {height} x {width} pixels by {f}: '
            f'the {name} must be a multiple of {f}.')
    return tf.TensorShape([
        None if height is None else height // f, None if width is None else width // f,
        None if channels is None else channels * f**2])

  def _forward_shape_tensor(self, shape):
    f = self.factor
    return tf.stack([shape[0] * f, shape[1] * f, shape[2] // f**2])

  def _inverse_shape_tensor(self, shape):
    f = self.factor
    return tf.stack([shape[0] // f, shape[1] // f, shape[2] * f**2])
