"""The logit transform that takes images off the unit interval."""

import tensorflow as tf

from tfp_glow.bijectors import flow_bijector

__all__ = ['Logit']


class Logit(flow_bijector.FlowBijector):
  """Elementwise logit of a slightly shrunk unit interval (Dinh et al. 2017, section 4.1).

      inverse   y = log p - log(1 - p),   p = alpha / 2 + (1 - alpha) * x
      forward   x = (sigmoid(y) - alpha / 2) / (1 - alpha)
      log|dy/dx| = log(1 - alpha) - log p - log(1 - p)

  Args:
    alpha: float in (0, 1); x = 0 and x = 1 go to -+ log(2 / alpha - 1).
    dtype: float dtype of the inputs, which lie in [0, 1], or None for any.
    validate_args: bool, whether to assert that they do.

  Raises:
    ValueError: for an alpha outside (0, 1).
  """

  def __init__(self, alpha=1e-5, dtype=None, validate_args=False, name='logit'):
    parameters = dict(locals())
    if not 0. < alpha < 1.:
      raise ValueError(f'{name}: alpha must lie between 0 and 1, got {alpha}.')
    with tf.name_scope(name) as name:
      self._alpha = alpha
      super().__init__(
          forward_min_event_ndims=0, inverse_min_event_ndims=0, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @property
  def alpha(self):
    return self._alpha

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def _is_increasing(self, **kwargs):
    return True

  def _forward_and_log_det(self, y):
    x = (tf.sigmoid(y) - self.alpha / 2.) / (1. - self.alpha)
    log_det = (tf.math.log_sigmoid(y) + tf.math.log_sigmoid(-y)
               - tf.math.log1p(tf.constant(-self.alpha, y.dtype)))
    return x, log_det

  def _inverse_and_log_det(self, x):
    if self.validate_args:
      message = f'{self.name}: inputs must lie in [0, 1]'
      with tf.control_dependencies([
          tf.debugging.assert_non_negative(x, message=message),
          tf.debugging.assert_less_equal(x, tf.ones([], x.dtype), message=message)]):
        x = tf.identity(x)
    # 1 - p from 1 - x, which is exact where x is near 1.
    log_p = tf.math.log(self.alpha / 2. + (1. - self.alpha) * x)
    log_1mp = tf.math.log(self.alpha / 2. + (1. - self.alpha) * (1. - x))
    log_det = tf.math.log1p(tf.constant(-self.alpha, x.dtype)) - log_p - log_1mp
    return log_p - log_1mp, log_det
