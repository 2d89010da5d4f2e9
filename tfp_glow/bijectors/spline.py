"""AffineSpline: an affine map and TFP's rational-quadratic spline."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import elementwise
from tfp_glow.bijectors import flow_bijector
from tfp_glow.private import tfp as private_tfp

__all__ = ['AffineSpline', 'spline']

tfb = tfp.bijectors

# Smallest share of a bin in the range, and smallest slope at a knot: they bound
# how much `forward` magnifies the rounding of a latent.
_MIN_BIN = 1e-2
_MIN_SLOPE = 1e-2


class AffineSpline(flow_bijector.FlowBijector):
  """An affine map, then a monotone rational-quadratic spline.

      inverse   z = S((x + shift) * exp(log_scale))
      forward   x = S^-1(z) * exp(-log_scale) - shift
      log|dz/dx| = log S'((x + shift) * exp(log_scale)) + log_scale

  S is `tfb.RationalQuadraticSpline` (Durkan et al. 2019, section 3.1) with B
  bins on [-limit, limit], of slope 1 at both ends, and the identity outside,
  so that the map has linear tails. The affine map brings x into the range.

  Args:
    bin_widths, bin_heights: float Tensors `[..., B]`, positive, with the sum
      2 * limit.
    knot_slopes: float Tensor `[..., B - 1]`, positive.
    shift: float Tensor `[...]`.
    log_scale: float Tensor `[...]`, or None for a scale of 1.
    limit: float.

  All broadcast with each other, and without the bins with the input.
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

  def _inverse_and_log_det(self, x):
    y, log_scale = self._affine.inverse_and_log_det(x)
    inside = self._inside(y)
    bins = self._spline()
    log_slope = bins.forward_log_det_jacobian(inside, event_ndims=0)
    return bins.forward(inside) + (y - inside), log_slope + log_scale

  def _forward_and_log_det(self, z):
    inside = self._inside(z)
    bins = self._spline()
    y = bins.inverse(inside)
    log_slope = bins.forward_log_det_jacobian(y, event_ndims=0)
    x, log_scale = self._affine.forward_and_log_det(y + (z - inside))
    return x, log_scale - log_slope

  def _inside(self, y):
    # Outside, TFP's spline computes what it then throws away, and its gradient
    # there can overflow to 0 * inf; so it never gets to see such numbers.
    return tf.clip_by_value(y, -self.limit, self.limit)

  def _spline(self):
    return tfb.RationalQuadraticSpline(
        self.bin_widths, self.bin_heights, self.knot_slopes, range_min=-self.limit)


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
  bins = tf.reshape(
      bins, tf.concat([tf.shape(bins)[:-1], [num_channels, 3 * num_bins - 1]], 0))
  widths, heights, slopes = tf.split(bins, [num_bins, num_bins, num_bins - 1], -1)
  shares = lambda logits: _MIN_BIN + (1. - num_bins * _MIN_BIN) * tf.nn.softmax(logits)
  # softplus(slopes + one) = 1 - _MIN_SLOPE for slopes of 0.
  one = tf.math.log(tf.math.expm1(tf.constant(1. - _MIN_SLOPE, slopes.dtype)))
  return AffineSpline(
      2. * limit * shares(widths), 2. * limit * shares(heights),
      _MIN_SLOPE + tf.nn.softplus(slopes + one), shift,
      elementwise.SCALE_MAPS[scale_map](h, log_factor)[0], limit)
