"""What a level of a flow sees of a vector or an image that its images are given."""

import math

import keras
import tensorflow as tf

from tfp_glow.layers import same_conv
from tfp_glow.layers import seeds

__all__ = ['ContextEmbedding']


@keras.saving.register_keras_serializable('tfp_glow')
class ContextEmbedding(keras.layers.Layer):
  """A context as an image of one size, whatever the context's own.

      vector   y = (W_2 relu(W_1 v)) as [H, W, out_channels]
      image    h = conv3x3(x at the size H x W),   h = h + conv3x3(relu(h); dilation d),
               d = 1, 2, 4, ... below the longer side,   y = conv1x1(relu(h))

  An image comes to the size as `tf.nn.space_to_depth` where its sides are the same multiple of H
  and W, which loses nothing, else by bilinear interpolation. The dilated convolutions (Yu &
  Koltun 2016, section 2) let every pixel of y see all of the context.

  Inputs are `[N, F]` or `[N, h, w, c]`, outputs `[N, H, W, out_channels]`.

  Args:
    size: `(H, W)`, ints.
    out_channels: int.
    hidden_channels: int.
    seed: int, for the initial weights.
  """

  def __init__(self, size, out_channels=16, hidden_channels=32, seed=0, **kwargs):
    super().__init__(**kwargs)
    self.size = tuple(size)
    self.out_channels = out_channels
    self.hidden_channels = hidden_channels
    self.seed = seed

  def build(self, input_shape):
    if len(input_shape) == 2:
      made = math.prod(self.size) * self.out_channels
      self.parts = [self._dense(0, self.hidden_channels), self._dense(1, made)]
      shapes = [input_shape, (None, self.hidden_channels)]
    else:
      height, width, channels = input_shape[1:]
      channels *= _factor((height, width), self.size)**2
      dilations = [2**i for i in range(max(1, math.ceil(math.log2(max(self.size)))))]
      self.parts = [self._conv(0, self.hidden_channels, 3)]
      self.parts += [self._conv(i + 1, self.hidden_channels, 3, dilation)
                     for i, dilation in enumerate(dilations)]
      self.parts.append(self._conv(len(self.parts), self.out_channels, 1))
      shapes = [(None, *self.size, channels)]
      shapes += [(None, *self.size, self.hidden_channels)] * (len(self.parts) - 1)
    for part, shape in zip(self.parts, shapes):
      part.build(shape)

  def call(self, context):
    first, *others, last = self.parts
    if context.shape.rank == 2:
      y = last(tf.nn.relu(first(context)))
      return tf.reshape(y, [-1, *self.size, self.out_channels])
    h = first(_at_size(context, self.size))
    for part in others:
      h += part(tf.nn.relu(h))
    return last(tf.nn.relu(h))

  def compute_output_shape(self, input_shape):
    return (input_shape[0], *self.size, self.out_channels)

  def get_config(self):
    return {**super().get_config(), 'size': self.size, 'out_channels': self.out_channels,
            'hidden_channels': self.hidden_channels, 'seed': self.seed}

  def _dense(self, i, units):
    return keras.layers.Dense(units, dtype=self.dtype_policy, kernel_initializer=self._normal(i))

  def _conv(self, i, channels, size, dilation=1):
    return same_conv.same_conv(channels, size, self.dtype_policy, self._normal(i), dilation)

  def _normal(self, i):
    return keras.initializers.HeNormal(seed=seeds.derived_seed(self.seed, i))


def _factor(given, wanted):
  """By how much space goes into depth; 1 where the sizes do not fit so."""
  factors = {a // b if a % b == 0 else 0 for a, b in zip(given, wanted)}
  return max(1, factors.pop()) if len(factors) == 1 else 1


def _at_size(image, size):
  factor = _factor(image.shape[1:3], size)
  if factor > 1:
    return tf.nn.space_to_depth(image, factor)
  if tuple(image.shape[1:3]) == size:
    return image
  resized = tf.image.resize(tf.cast(image, tf.float32), size, antialias=True)
  return tf.cast(resized, image.dtype)
