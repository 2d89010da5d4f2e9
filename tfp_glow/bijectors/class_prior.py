"""ClassPrior: a normal prior for each class, as an affine map."""

import tensorflow as tf

from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import condition
from tfp_glow.private import tfp as private_tfp

__all__ = ['ClassPrior']


class ClassPrior(flow_bijector.FlowBijector):
  """Per-channel affine map whose parameters the label chooses.

      inverse   z = (x + bias[y]) * exp(log_scale[y])
      forward   x = z * exp(-log_scale[y]) - bias[y]
      log|det dz/dx| = H * W * sum(log_scale[y])

  z is standard normal if x is normal with a mean and a standard deviation for
  each class and channel: the top prior of class-conditional Glow, whose
  published code adds a linear map of the one-hot label to both (Kingma & Dhariwal
  2018, section 3.6 and the code's `ycond`).

  `forward`, `inverse` and the log-dets need the condition `labels`, integers from 0 to
  `num_classes - 1`. Inputs are `[..., H, W, C]`.

  Args:
    bias, log_scale: float Tensors or Variables of shape `[num_classes, C]`.

  Raises:
    ValueError: if their shapes are other ones, or differ.
  """

  def __init__(self, bias, log_scale, validate_args=False, name='class_prior'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([bias, log_scale], dtype_hint=tf.float32)
      self._bias = private_tfp.convert_nonref_to_tensor(bias, dtype=dtype, name='bias')
      self._log_scale = private_tfp.convert_nonref_to_tensor(
          log_scale, dtype=dtype, name='log_scale')
      shapes = self._bias.shape, self._log_scale.shape
      if shapes[0].rank != 2 or shapes[0] != shapes[1]:
        raise ValueError(
            f'{name}: bias and log_scale must have the shape [num_classes, channels], '
            f'got {shapes[0]} and {shapes[1]}.')
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def trainable(cls, num_classes, num_channels, dtype=tf.float32, name='class_prior'):
    """A prior with Variables of its own, which starts as standard normal for every class.

    Args:
      num_classes: int.
      num_channels: int, C.
      dtype: float dtype of the Variables.
      name: str.
    """
    zeros = tf.zeros([num_classes, num_channels], dtype)
    return cls(trainable_variable.make(zeros, 'bias'),
               trainable_variable.make(zeros, 'log_scale'), name=name)

  @property
  def bias(self):
    return self._bias

  @property
  def log_scale(self):
    return self._log_scale

  @property
  def num_classes(self):
    return self.bias.shape[0]

  @property
  def conditions(self):
    return dict(labels=condition.Condition((), self.num_classes))

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def _of_labels(self, x, labels):
    """Bias and log-scale of each image, `[N, 1, 1, C]`."""
    flow_bijector.check_channels(self, x, self.bias.shape[-1])
    # A product and no gather, whose gradient is sparse and depends on the order of sums.
    chosen = tf.one_hot(labels, self.num_classes, dtype=self.dtype)
    return [tf.matmul(chosen, tf.convert_to_tensor(parameter))[:, tf.newaxis, tf.newaxis]
            for parameter in (self.bias, self.log_scale)]

  def _forward_and_log_det(self, z, labels):
    bias, log_scale = self._of_labels(z, labels)
    return z * tf.exp(-log_scale) - bias, -_log_det(log_scale, z)

  def _inverse_and_log_det(self, x, labels):
    bias, log_scale = self._of_labels(x, labels)
    return (x + bias) * tf.exp(log_scale), _log_det(log_scale, x)


def _log_det(log_scale, x):
  return flow_bijector.per_image(tf.reduce_sum(log_scale, [1, 2, 3]), x)
