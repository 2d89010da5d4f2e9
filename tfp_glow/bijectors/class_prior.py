"""ClassPrior: a normal prior for each class, as an affine map; and the labels that choose one."""

import tensorflow as tf

from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import trainable_variable

__all__ = ['ClassPrior', 'checked_labels']


class ClassPrior(flow_bijector.FlowBijector):
  """Per-channel affine map whose parameters the label chooses.

      inverse   z = (x + bias[y]) * exp(log_scale[y])
      forward   x = z * exp(-log_scale[y]) - bias[y]
      log|det dz/dx| = H * W * sum(log_scale[y])

  z is standard normal if x is normal with a mean and a standard deviation for
  each class and channel: the top prior of class-conditional Glow, whose
  published code adds a linear map of the one-hot label to both (Kingma & Dhariwal
  2018, section 3.6 and the code's `ycond`).

  `forward`, `inverse` and the log-dets need the keyword argument `labels`, see
  `checked_labels`. Inputs are `[..., H, W, C]`.

  Args:
    bias, log_scale: float Tensors or Variables of shape `[num_classes, C]`.
  """

  accepts_condition = True

  def __init__(self, bias, log_scale, validate_args=False, name='class_prior'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      self._bias = bias
      self._log_scale = log_scale
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=bias.dtype,
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

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def _of_labels(self, x, labels):
    """Bias and log-scale of each image, `[N, 1, 1, C]`."""
    flow_bijector.check_channels(self, x, self.bias.shape[-1])
    labels = checked_labels(self.name, labels, self.num_classes, x)
    # A product and no gather, whose gradient is sparse and depends on the order of sums.
    chosen = tf.one_hot(labels, self.num_classes, dtype=self.dtype)
    return [tf.matmul(chosen, tf.convert_to_tensor(parameter))[:, tf.newaxis, tf.newaxis]
            for parameter in (self.bias, self.log_scale)]

  def _forward_and_log_det(self, z, labels=None):
    bias, log_scale = self._of_labels(z, labels)
    return z * tf.exp(-log_scale) - bias, -_log_det(log_scale, z)

  def _inverse_and_log_det(self, x, labels=None):
    bias, log_scale = self._of_labels(x, labels)
    return (x + bias) * tf.exp(log_scale), _log_det(log_scale, x)


def _log_det(log_scale, x):
  return flow_bijector.per_image(tf.reduce_sum(log_scale, [1, 2, 3]), x)


def checked_labels(name, labels, num_classes, x):
  """One class number for each image.

  Args:
    name: str, of the bijector that needs them, for messages.
    labels: integer Tensor of the images' batch shape, from 0 to `num_classes - 1`.
    num_classes: int.
    x: Tensor `[N, ...]`, the images or latents with their batch dimensions folded.

  Returns:
    int32 Tensor `[N]`.

  Raises:
    ValueError: if there are none, or they are no integers, too many or few, or out
      of range. What is only known when a graph runs is an InvalidArgumentError then
      (under XLA, which has no assertions, nothing).
  """
  if labels is None:
    raise ValueError(
        f'{name}: a flow of {num_classes} classes needs the label of every image, got none; pass '
        f'labels (in a distribution: bijector_kwargs={{bijector.name: dict(labels=labels)}}).')
  labels = tf.convert_to_tensor(labels)
  if not labels.dtype.is_integer:
    raise ValueError(f'{name}: labels must be integers, got {labels.dtype.name}.')
  shape = labels.shape
  labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
  if not labels.shape.is_compatible_with(x.shape[:1]):
    raise ValueError(
        f'{name}: needs one label for each of {x.shape[0]} images, '
        f'got labels of the shape {shape}.')
  wanted = f'{name}: labels must lie between 0 and {num_classes - 1}'
  values = tf.get_static_value(labels)
  if values is not None:
    outside = values[(values < 0) | (values >= num_classes)]
    if outside.size:
      raise ValueError(f'{wanted}, got {outside[0]}.')
    return labels
  checks = [
      tf.debugging.Assert(
          tf.reduce_all((labels >= 0) & (labels < num_classes)), [f'{wanted}, got', labels]),
      tf.debugging.Assert(
          tf.equal(tf.size(labels), tf.shape(x)[0]),
          [f'{name}: needs one label for each image; labels and images:', tf.size(labels),
           tf.shape(x)[0]])]
  with tf.control_dependencies(checks):
    return tf.ensure_shape(tf.identity(labels), x.shape[:1])
