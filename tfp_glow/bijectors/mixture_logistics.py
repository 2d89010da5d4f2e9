"""MixtureLogistics: the elementwise map of Flow++'s couplings."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import elementwise
from tfp_glow.bijectors import flow_bijector
from tfp_glow.layers import static_shape
from tfp_glow.private import tfp as private_tfp

__all__ = ['MixtureLogistics', 'mixture_logistics']

# A component's log-scale stays within +-4, where float32 inverts well.
_MAX_LOG_SCALE = 4.

# More than the search needs; it stops as soon as every element has arrived.
_MAX_SEARCH_STEPS = 200


class MixtureLogistics(flow_bijector.FlowBijector):
  """Distribution function of a mixture of logistics, logit, affine map.

      inverse   z = (logit(F(x)) + shift) * exp(log_scale),
                F(x) = sum_k w_k sigmoid((x - mean_k) / s_k)
      forward   x = F^-1(sigmoid(z * exp(-log_scale) - shift))
      log|dz/dx| = log sum_k (a_k (1 - p_k) + b_k p_k) / s_k + log_scale,
                p_k = sigmoid((x - mean_k) / s_k),
                a_k = w_k p_k / F,   b_k = w_k (1 - p_k) / (1 - F)

  (Flow++, Ho et al. 2019, section 3.2.) The sum is f / (F (1 - F)) = f / F +
  f / (1 - F), f the mixture's density; it has no differences and is taken in
  log-space, so value and log-det stay exact in the tails, where the map is
  nearly linear.

  `inverse` (image to latent, the density) is analytic. `forward` searches for
  x to the precision of the dtype: bisection, with Newton's step where that is
  at most half as long as the step before (Press et al. 2007, section 9.4). Its
  gradient is that of the implicit function, so it neither sees nor stores the
  search; a gradient of that gradient raises a NotImplementedError.

  Where all components are far from x, F is flat and x cannot be told from z;
  a model gives such x next to no density.

  Args:
    logits: float Tensor `[..., K]`, w = softmax(logits).
    means: float Tensor `[..., K]`.
    log_scales: float Tensor `[..., K]`, log s.
    shift: float Tensor `[...]`.
    log_scale: float Tensor `[...]`, or None for a scale of 1.
    validate_args: bool, whether to assert that the components are finite.

  All broadcast with each other, and without the K with the input.
  """

  def __init__(self, logits, means, log_scales, shift, log_scale=None,
               validate_args=False, name='mixture_logistics'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype(
          [logits, means, log_scales, shift, log_scale], dtype_hint=tf.float32)
      convert = lambda value, name: private_tfp.convert_nonref_to_tensor(
          value, dtype=dtype, name=name)
      self._logits = convert(logits, 'logits')
      self._means = convert(means, 'means')
      self._log_scales = convert(log_scales, 'log_scales')
      self._affine = elementwise.ShiftAndScale(
          convert(shift, 'shift'), convert(log_scale, 'log_scale'))
      super().__init__(
          forward_min_event_ndims=0, inverse_min_event_ndims=0, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @property
  def logits(self):
    return self._logits

  @property
  def means(self):
    return self._means

  @property
  def log_scales(self):
    return self._log_scales

  @property
  def shift(self):
    return self._affine.shift

  @property
  def log_scale(self):
    return self._affine.log_scale

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    per_component = lambda: tfp.util.ParameterProperties(event_ndims=1)
    return dict(logits=per_component(), means=per_component(), log_scales=per_component(),
                shift=tfp.util.ParameterProperties(),
                log_scale=tfp.util.ParameterProperties())

  def _is_increasing(self, **kwargs):
    return True

  def _parameter_control_dependencies(self, is_init):
    if not self.validate_args:
      return []
    return [tf.debugging.assert_all_finite(t, f'{self.name}: a component is not finite')
            for t in (self.logits, self.means, self.log_scales)
            ] + super()._parameter_control_dependencies(is_init)

  def _inverse_and_log_det(self, x):
    y, log_slope = _logit_cdf(x, *self._mixture())
    z, log_det = self._affine.inverse_and_log_det(y)
    return z, log_slope + log_det

  def _forward_and_log_det(self, z):
    mixture = self._mixture()
    y, log_det = self._affine.forward_and_log_det(z)
    x = _quantile(y, *mixture)
    return x, log_det - _logit_cdf(x, *mixture)[1]

  def _mixture(self):
    return (tf.nn.log_softmax(self.logits), tf.convert_to_tensor(self.means),
            tf.convert_to_tensor(self.log_scales))


def _logit_cdf(x, log_weights, means, log_scales):
  """logit(F(x)) and the logarithm of its derivative."""
  u = (x[..., tf.newaxis] - means) * tf.exp(-log_scales)
  log_p, log_1mp = -tf.nn.softplus(-u), -tf.nn.softplus(u)
  log_cdf, log_a = _normalized(log_weights + log_p)
  log_1mcdf, log_b = _normalized(log_weights + log_1mp)
  terms = tf.concat([log_a + log_1mp - log_scales, log_b + log_p - log_scales], -1)
  return log_cdf - log_1mcdf, tf.reduce_logsumexp(terms, -1)


def _normalized(log_terms):
  """The log of the sum of exp(log_terms), and the logs of their shares of it."""
  # A share as log_terms - log_sum would lose, in the tails, what log_sum lost.
  largest = tf.stop_gradient(tf.reduce_max(log_terms, -1, keepdims=True))
  relative = log_terms - largest
  log_sum = tf.math.log(tf.reduce_sum(tf.exp(relative), -1, keepdims=True))
  return (largest + log_sum)[..., 0], relative - log_sum


def _quantile(y, log_weights, means, log_scales):
  """The x with logit(F(x)) = y, differentiable once in all arguments."""
  # The search has one x for each element, whatever broadcasts.
  y += tf.zeros_like((log_weights + means + log_scales)[..., 0])

  @tf.custom_gradient
  def quantile(y, *mixture):
    x = _search(y, *mixture)

    def gradient(dx):
      # G(x, mixture) = y, so dx = (dy - dG/dmixture dmixture) / (dG/dx).
      return _first_order_only(_implicit_gradient, dx, x, *mixture)

    return x, gradient

  return quantile(y, log_weights, means, log_scales)


def _implicit_gradient(dx, x, *mixture):
  # A tape can lose sight of Tensors that belong to another graph, such as a loop's body.
  mixture = [tf.identity(t) for t in mixture]
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(mixture)
    y, log_slope = _logit_cdf(x, *mixture)
  dy = dx * tf.exp(-tf.stop_gradient(log_slope))
  return [dy, *tape.gradient(y, mixture, output_gradients=-dy)]


def _first_order_only(fn, *args):
  """`fn(*args)`, a list of Tensors, whose own gradient raises."""

  @tf.custom_gradient
  def undifferentiable(*args):

    def refuse(*_):
      raise NotImplementedError(
          'forward of MixtureLogistics has no second-order gradients; inverse has.')

    return fn(*args), refuse

  return undifferentiable(*args)


def _search(y, log_weights, means, log_scales):
  """The x with logit(F(x)) = y, to the precision of the dtype."""
  # F(x) = sigmoid(y) lies between the components' own quantiles.
  quantiles = means + tf.exp(log_scales) * y[..., tf.newaxis]
  low, high = tf.reduce_min(quantiles, -1), tf.reduce_max(quantiles, -1)
  smallest_scale = tf.exp(tf.reduce_min(log_scales, -1))
  limits = np.finfo(y.dtype.as_numpy_dtype)
  epsilon = tf.constant(limits.eps, y.dtype)
  steepest = tf.constant(math.log(limits.max) / 2., y.dtype)

  def body(i, x, low, high, step):
    reached, log_slope = _logit_cdf(x, log_weights, means, log_scales)
    inverse_slope = tf.exp(tf.minimum(-log_slope, steepest))
    error = reached - y
    low = tf.where(error < 0., x, low)
    high = tf.where(error > 0., x, high)
    newton = x - error * inverse_slope
    # Nearer than the rounding of x, or than that of y, nothing can be told.
    rounding = epsilon * (
        tf.abs(x) + smallest_scale + 4. * (1. + tf.abs(y)) * inverse_slope)
    inside = (newton >= low) & (newton <= high)
    arrived = (step == 0.) | (tf.abs(newton - x) <= rounding)
    trusted = inside & (arrived | (2. * tf.abs(newton - x) <= step))
    middle = tf.where(arrived, x, low + (high - low) / 2.)
    after = tf.where(trusted, newton, middle)
    step = tf.where(arrived, tf.zeros_like(x), tf.abs(after - x))
    return i + 1, *(tf.ensure_shape(t, y.shape) for t in (after, low, high, step))

  start = tf.clip_by_value(tf.reduce_sum(tf.exp(log_weights) * quantiles, -1), low, high)
  # A first step of any length is trusted; an inf would be an error to check_numerics.
  unlimited = tf.fill(tf.shape(y), tf.constant(limits.max, y.dtype))
  return tf.while_loop(
      lambda i, x, low, high, step: tf.reduce_any(step > 0.), body,
      (tf.constant(0), start, low, high, tf.ensure_shape(unlimited, y.shape)),
      maximum_iterations=_MAX_SEARCH_STEPS, parallel_iterations=1)[1]


def mixture_logistics(parameters, scale_map='sigmoid', log_factor=None, num_components=8):
  """The inner bijector of a mixture-of-logistics coupling (Ho et al. 2019, section 3.2).

  Args:
    parameters: float Tensor `[..., C * (3 * K + 2)]`, a network's output. Zeros
      give nearly the identity before the affine map: equal weights, scales of 1 and
      means from -1 to 1, different ones, since equal components would stay equal.
    scale_map, log_factor: of the affine map, as for `elementwise.affine`.
    num_components: int, K.

  Returns:
    A `MixtureLogistics` on `[..., C]`.
  """
  num_channels = parameters.shape[-1] // (3 * num_components + 2)
  shift, h, mixture = tf.split(
      parameters, [num_channels, num_channels, 3 * num_components * num_channels], -1)
  mixture = tf.reshape(mixture, static_shape.with_last(mixture, num_channels, 3 * num_components))
  logits, means, log_scales = tf.split(mixture, 3, axis=-1)
  means += tf.constant(np.linspace(-1., 1., num_components), means.dtype)
  log_scales = _MAX_LOG_SCALE * tf.tanh(log_scales / _MAX_LOG_SCALE)
  return MixtureLogistics(
      logits, means, log_scales, shift, elementwise.SCALE_MAPS[scale_map](h, log_factor))
