"""AffineSpline: an affine map and a rational-quadratic spline."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import elementwise
from tfp_glow.bijectors import flow_bijector
from tfp_glow.layers import static_shape
from tfp_glow.private import tfp as private_tfp

__all__ = ['AffineSpline', 'check_size', 'spline']

# Smallest share of a bin in the range, and smallest slope at a knot: they bound
# how much `forward` magnifies the rounding of a latent.
_MIN_BIN = 1e-2
_MIN_SLOPE = 1e-2


class AffineSpline(flow_bijector.FlowBijector):
  """An affine map, then a monotone rational-quadratic spline.

      inverse   z = S((x + shift) * exp(log_scale))
      forward   x = S^-1(z) * exp(-log_scale) - shift
      log|dz/dx| = log S'((x + shift) * exp(log_scale)) + log_scale

  S is monotone rational-quadratic in each of B bins on [-limit, limit], of slope 1
  at both ends, and the identity outside, so that the map has linear tails. In the
  bin from (x_k, y_k), of width w, height h, slopes d_k and d_k+1 at its knots and
  mean slope s = h / w, with t = (x - x_k) / w and m = s + (d_k + d_k+1 - 2 s) t (1 - t),

      S(x) = y_k + h (s t^2 + d_k t (1 - t)) / m
      S'(x) = s^2 (d_k+1 t^2 + 2 s t (1 - t) + d_k (1 - t)^2) / m^2

  (Durkan et al. 2019, section 3.1; as `tfb.RationalQuadraticSpline`, here in one
  pass for value and slope). The affine map brings x into the range.

  Args:
    bin_widths, bin_heights: float Tensors `[..., B]`, positive, with the sum
      2 * limit.
    knot_slopes: float Tensor `[..., B - 1]`, positive.
    shift: float Tensor `[...]`.
    log_scale: float Tensor `[...]`, or None for a scale of 1.
    limit: float.
    validate_args: bool, whether to assert that bins and slopes are as said.

  All broadcast with each other, and without the bins with the input.

  Raises:
    ValueError: if the numbers of widths, heights and slopes do not fit.
  """

  def __init__(self, bin_widths, bin_heights, knot_slopes, shift, log_scale=None, limit=4.,
               validate_args=False, name='affine_spline'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype(
          [bin_widths, bin_heights, knot_slopes, shift, log_scale], dtype_hint=tf.float32)
      convert = lambda value, name: private_tfp.convert_nonref_to_tensor(
          value, dtype=dtype, name=name)
      self._bin_widths = convert(bin_widths, 'bin_widths')
      self._bin_heights = convert(bin_heights, 'bin_heights')
      self._knot_slopes = convert(knot_slopes, 'knot_slopes')
      self._limit = limit
      self._affine = elementwise.ShiftAndScale(
          convert(shift, 'shift'), convert(log_scale, 'log_scale'))
      super().__init__(
          forward_min_event_ndims=0, inverse_min_event_ndims=0, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @property
  def bin_widths(self):
    return self._bin_widths

  @property
  def bin_heights(self):
    return self._bin_heights

  @property
  def knot_slopes(self):
    return self._knot_slopes

  @property
  def shift(self):
    return self._affine.shift

  @property
  def log_scale(self):
    return self._affine.log_scale

  @property
  def limit(self):
    return self._limit

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    per_bin = lambda: tfp.util.ParameterProperties(event_ndims=1)
    return dict(bin_widths=per_bin(), bin_heights=per_bin(), knot_slopes=per_bin(),
                shift=tfp.util.ParameterProperties(),
                log_scale=tfp.util.ParameterProperties())

  def _is_increasing(self, **kwargs):
    return True

  def _parameter_control_dependencies(self, is_init):
    sizes = [t.shape[-1] for t in (self.bin_widths, self.bin_heights)]
    num_slopes = self.knot_slopes.shape[-1]
    if is_init and None not in (*sizes, num_slopes) and not (
        sizes[0] == sizes[1] == num_slopes + 1):
      raise ValueError(
          f'{self.name}: B bins need B widths, B heights and B - 1 slopes, got {sizes[0]}, '
          f'{sizes[1]} and {num_slopes}.')
    if not self.validate_args:
      return []
    near = tf.constant(1e-4 * self.limit, self.dtype)
    return super()._parameter_control_dependencies(is_init) + [
        *(tf.debugging.assert_positive(t, message='bins and slopes must be positive')
          for t in (self.bin_widths, self.bin_heights, self.knot_slopes)),
        *(tf.debugging.assert_near(
            tf.reduce_sum(t, -1), tf.constant(2. * self.limit, self.dtype), atol=near,
            message='the bins must add up to 2 * limit')
          for t in (self.bin_widths, self.bin_heights))]

  def _inverse_and_log_det(self, x):
    y, log_scale = self._affine.inverse_and_log_det(x)
    inside = self._inside(y)
    knots = self._knots()
    bin_ = _Bin(knots, 0, inside)
    t = (inside - bin_.x) / bin_.width
    return bin_.value(t) + (y - inside), bin_.log_slope(t) + log_scale

  def _forward_and_log_det(self, z):
    inside = self._inside(z)
    bin_ = _Bin(self._knots(), 1, inside)
    t = bin_.place(inside)
    y = bin_.x + t * bin_.width
    x, log_scale = self._affine.forward_and_log_det(y + (z - inside))
    return x, log_scale - bin_.log_slope(t)

  def _inside(self, y):
    # Outside the spline is not computed at all: its gradient can overflow there.
    return tf.clip_by_value(y, -self.limit, self.limit)

  def _knots(self):
    """x, y, width, height and both slopes of the bins, each `[..., B]`."""
    widths, heights = tf.convert_to_tensor(self.bin_widths), tf.convert_to_tensor(self.bin_heights)
    slopes = tf.convert_to_tensor(self.knot_slopes)
    # No tf.pad: tf.vectorized_map loses its constant_values.
    one = tf.ones(tf.concat([tf.shape(slopes)[:-1], [1]], 0), slopes.dtype)
    return (tf.cumsum(widths, -1, exclusive=True) - self.limit,
            tf.cumsum(heights, -1, exclusive=True) - self.limit, widths, heights,
            tf.concat([one, slopes], -1), tf.concat([slopes, one], -1))


class _Bin:
  """For each element the bin that it lies in.

  Args:
    knots: list of Tensors `[..., B]`, see `AffineSpline._knots`.
    axis: 0 for elements that are x, 1 for y.
    elements: Tensor `[...]`.
  """

  def __init__(self, knots, axis, elements):
    index = tf.reduce_sum(
        tf.cast(elements[..., tf.newaxis] >= knots[axis][..., 1:], tf.int32), -1)
    # A product and no gather, whose gradient is a slow scatter.
    chosen = tf.one_hot(index, knots[axis].shape[-1], dtype=elements.dtype)
    self.x, self.y, self.width, self.height, self.slope, self.next_slope = (
        tf.reduce_sum(chosen * t, -1) for t in knots)
    self.mean_slope = self.height / self.width
    self._bend = self.slope + self.next_slope - 2. * self.mean_slope

  def value(self, t):
    """S at the place t in the bin, from 0 to 1 (Durkan et al. 2019, equation 4)."""
    numerator = self.height * t * (self.mean_slope * t + self.slope * (1. - t))
    return self.y + numerator / (self.mean_slope + self._bend * t * (1. - t))

  def log_slope(self, t):
    """log S' there (equation 5)."""
    numerator = (self.next_slope * t**2 + 2. * self.mean_slope * t * (1. - t)
                 + self.slope * (1. - t)**2)
    denominator = self.mean_slope + self._bend * t * (1. - t)
    return 2. * tf.math.log(self.mean_slope / denominator) + tf.math.log(numerator)

  def place(self, y):
    """The t at which S is y (equations 6 to 8)."""
    above = y - self.y
    a = self.height * (self.mean_slope - self.slope) + above * self._bend
    b = self.height * self.slope - above * self._bend
    c = -self.mean_slope * above
    # Rounding must not make it negative, nor the gradient of the root infinite.
    discriminant = tf.maximum(b**2 - 4. * a * c, np.finfo(y.dtype.as_numpy_dtype).tiny)
    return 2. * c / (-b - tf.sqrt(discriminant))


def check_size(num_bins, limit):
  """Raises a ValueError for a number of bins or a limit that no spline can have."""
  most = math.ceil(1. / _MIN_BIN) - 1
  if not 1 <= num_bins <= most:
    raise ValueError(f'a spline needs 1 to {most} bins, got num_bins={num_bins}.')
  if not limit > 0.:
    raise ValueError(f'a spline needs a positive limit, got limit={limit}.')


def spline(parameters, scale_map='sigmoid', log_factor=None, num_bins=8, limit=4.):
  """The inner bijector of a spline coupling (Durkan et al. 2019, section 3).

  Args:
    parameters: float Tensor `[..., C * (3 * B + 1)]`, a network's output. Zeros
      give the identity after the affine map.
    scale_map, log_factor: of the affine map, as for `elementwise.affine`.
    num_bins: int, B.
    limit: float; the spline bends [-limit, limit].

  Returns:
    An `AffineSpline` on `[..., C]`.
  """
  num_channels = parameters.shape[-1] // (3 * num_bins + 1)
  shift, h, bins = tf.split(
      parameters, [num_channels, num_channels, (3 * num_bins - 1) * num_channels], -1)
  bins = tf.reshape(bins, static_shape.with_last(bins, num_channels, 3 * num_bins - 1))
  widths, heights, slopes = tf.split(bins, [num_bins, num_bins, num_bins - 1], -1)
  shares = lambda logits: _MIN_BIN + (1. - num_bins * _MIN_BIN) * tf.nn.softmax(logits)
  # softplus(slopes + one) = 1 - _MIN_SLOPE for slopes of 0.
  one = tf.math.log(tf.math.expm1(tf.constant(1. - _MIN_SLOPE, slopes.dtype)))
  return AffineSpline(
      2. * limit * shares(widths), 2. * limit * shares(heights),
      _MIN_SLOPE + tf.nn.softplus(slopes + one), shift,
      elementwise.SCALE_MAPS[scale_map](h, log_factor), limit)
