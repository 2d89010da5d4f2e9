"""Convolutions and self-attention in turn, as in Flow++."""

import itertools
import math

import keras
import tensorflow as tf

from tfp_glow.layers import gated_net
from tfp_glow.layers import same_conv
from tfp_glow.layers import seeds
from tfp_glow.layers import sizes
from tfp_glow.layers import static_shape

__all__ = ['AttentionNet', 'position_code']

# The longest wavelength of the position code over 2 pi, as in Vaswani et al. 2017.
_LONGEST = 10_000.


def position_code(height, width, channels, dtype):
  """Sines and cosines of row and column (Vaswani et al. 2017, section 3.5, for two axes).

  Args:
    height, width: ints or int Tensors.
    channels: int; a quarter each for sine and cosine of row and column.
    dtype: float dtype.

  Returns:
    A Tensor `[height, width, channels]`.
  """
  quarter = math.ceil(channels / 4)
  rates = tf.constant(
      [_LONGEST**(-i / quarter) for i in range(quarter)], dtype)

  def waves(size):
    angles = tf.cast(tf.range(size), dtype)[:, tf.newaxis] * rates
    return tf.concat([tf.sin(angles), tf.cos(angles)], -1)

  rows, columns = waves(height)[:, tf.newaxis], waves(width)[tf.newaxis]
  code = tf.concat([rows + tf.zeros_like(columns), columns + tf.zeros_like(rows)], -1)
  return code[..., :channels]


@keras.saving.register_keras_serializable('tfp_glow')
class AttentionNet(keras.layers.Layer):
  """Gated convolution and gated self-attention blocks, an output that starts at zero.

      h = conv3x3(x)
      h = layer_norm(h + gate(conv3x3(concat_elu(h)))),
      h = layer_norm(h + gate(attention(h + position))),                 per block
      y = conv3x3(concat_elu(h))
      gate(v) = value * sigmoid(g),   value, g = conv1x1(v)

  (Flow++, Ho et al. 2019, section 3.3.) Attention is multi-head, scaled dot
  products over all pixels of an image, so its cost grows with (H W)^2; the
  position code is that of `position_code`, so a net built for one size runs on
  others. The gate of a convolution sees concat_elu of it, as in `GatedNet`.
  Inputs are `[N, H, W, C]`, outputs `[N, H, W, out_channels]`.

  Args:
    out_channels: int.
    hidden_channels: int, a multiple of `num_heads`.
    num_blocks: int, number of pairs of convolution and attention.
    num_heads: int.
    seed: int, for the initial weights.

  Raises:
    ValueError: for a size below 1, or if `num_heads` does not divide `hidden_channels`.
  """

  def __init__(self, out_channels, hidden_channels, num_blocks=2, num_heads=4, seed=0,
               **kwargs):
    super().__init__(**kwargs)
    sizes.check_positive(
        self.name, out_channels=out_channels, hidden_channels=hidden_channels,
        num_blocks=num_blocks, num_heads=num_heads)
    if hidden_channels % num_heads:
      raise ValueError(
          f'attention with {num_heads} heads needs a multiple of {num_heads} hidden channels, '
          f'got hidden_channels={hidden_channels}.')
    self.out_channels = out_channels
    self.hidden_channels = hidden_channels
    self.num_blocks = num_blocks
    self.num_heads = num_heads
    self.seed = seed
    layer_seeds = (seeds.derived_seed(seed, i) for i in itertools.count())

    def conv(channels, size):
      return same_conv.same_conv(
          channels, size, self.dtype_policy,
          keras.initializers.GlorotUniform(seed=next(layer_seeds)))

    def convs(channels, size):
      return [conv(channels, size) for _ in range(num_blocks)]

    def norms():
      return [keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy)
              for _ in range(num_blocks)]

    self.input_conv = conv(hidden_channels, 3)
    self.convs = convs(hidden_channels, 3)
    self.conv_gates = convs(2 * hidden_channels, 1)
    self.conv_norms = norms()
    self.projections = convs(3 * hidden_channels, 1)
    self.attention_gates = convs(2 * hidden_channels, 1)
    self.attention_norms = norms()
    self.output_conv = same_conv.same_conv(out_channels, 3, self.dtype_policy, 'zeros')

  def build(self, input_shape):
    hidden = (*input_shape[:-1], self.hidden_channels)
    doubled = (*input_shape[:-1], 2 * self.hidden_channels)
    self.input_conv.build(input_shape)
    for layer in [*self.convs, *self.conv_gates, self.output_conv]:
      layer.build(doubled)
    for layer in [*self.conv_norms, *self.projections, *self.attention_gates,
                  *self.attention_norms]:
      layer.build(hidden)

  def call(self, x):
    h = self.input_conv(x)
    _, height, width, _ = static_shape.sizes(h)
    position = tf.cast(
        position_code(height, width, self.hidden_channels, self.variable_dtype), h.dtype)
    for i in range(self.num_blocks):
      v = gated_net.concat_elu(self.convs[i](gated_net.concat_elu(h)))
      h = self.conv_norms[i](h + _gated(self.conv_gates[i](v)))
      v = self._attend(self.projections[i](h + position))
      h = self.attention_norms[i](h + _gated(self.attention_gates[i](v)))
    return self.output_conv(gated_net.concat_elu(h))

  def _attend(self, projected):
    """Self-attention of `[N, H, W, 3 * hidden]`, queries, keys and values."""
    _, height, width, _ = static_shape.sizes(projected)
    size = self.hidden_channels // self.num_heads
    split = tf.reshape(projected, [-1, height * width, 3, self.num_heads, size])
    queries, keys, values = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]))
    weights = tf.nn.softmax(
        tf.matmul(queries * size**-0.5, keys, transpose_b=True))
    attended = tf.transpose(tf.matmul(weights, values), [0, 2, 1, 3])
    return tf.reshape(attended, [-1, height, width, self.hidden_channels])

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.out_channels)

  def get_config(self):
    return {**super().get_config(), 'out_channels': self.out_channels,
            'hidden_channels': self.hidden_channels, 'num_blocks': self.num_blocks,
            'num_heads': self.num_heads, 'seed': self.seed}


def _gated(v):
  value, gate = tf.split(v, 2, axis=-1)
  return value * tf.sigmoid(gate)
