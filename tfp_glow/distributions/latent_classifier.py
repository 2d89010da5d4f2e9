"""A linear classifier on the top latent, whose loss makes the latent tell the class."""

import tensorflow as tf

from tfp_glow.bijectors import trainable_variable

__all__ = ['LatentClassifier']


class LatentClassifier(tf.Module):
  """Class logits from the mean of the top latent over its pixels.

      logits = mean_pixels(h) kernel + bias

  (The auxiliary loss of class-conditional Glow: Kingma & Dhariwal 2018, section 3.6,
  and `weight_y` in its published code.) h is the top latent before the class prior
  whitens it, which would tell the label that was given.

  Args:
    kernel: float Tensor or Variable `[C, num_classes]`.
    bias: float Tensor or Variable `[num_classes]`.
  """

  def __init__(self, kernel, bias, name='latent_classifier'):
    super().__init__(name=name)
    self.kernel = kernel
    self.bias = bias

  @classmethod
  def trainable(cls, num_channels, num_classes, dtype=tf.float32):
    """A classifier with Variables of its own, which start at zero.

    Args:
      num_channels: int, C of the top latent.
      num_classes: int.
      dtype: float dtype of the Variables.
    """
    return cls(trainable_variable.make(tf.zeros([num_channels, num_classes], dtype), 'kernel'),
               trainable_variable.make(tf.zeros([num_classes], dtype), 'bias'))

  def __call__(self, h):
    """Logits `[N, num_classes]` of top latents `[N, h, w, C]`."""
    return tf.matmul(tf.reduce_mean(h, [1, 2]), tf.convert_to_tensor(self.kernel)) + self.bias
