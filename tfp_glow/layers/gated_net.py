"""The gated residual network of the normalizing-flows tutorial."""

import itertools

import keras
import tensorflow as tf

from tfp_glow.layers import same_conv
from tfp_glow.layers import seeds
from tfp_glow.layers import sizes

__all__ = ['GatedNet', 'concat_elu']


def concat_elu(x):
  """elu(x) and elu(-x) side by side: `[..., C] -> [..., 2 C]`."""
  return tf.concat([tf.nn.elu(x), tf.nn.elu(-x)], -1)


@keras.saving.register_keras_serializable('tfp_glow')
class GatedNet(keras.layers.Layer):
  """Convolution, gated residual blocks, and an output that starts at zero.

      h = conv3x3(x)
      h = layer_norm(h + value * sigmoid(gate)),
          value, gate = conv1x1(concat_elu(conv3x3(concat_elu(h)))),   per block
      y = conv3x3(concat_elu(h))

  (Flow++, Ho et al. 2019, in the simplified form of tutorial 11, "Normalizing
  Flows for image modeling", of the UvA deep learning course.) The layer norm is
  over the channels of a pixel. Inputs are `[N, H, W, C]`, outputs
  `[N, H, W, out_channels]`.

  Args:
    out_channels: int.
    hidden_channels: int.
    num_blocks: int, number of gated residual blocks.
    seed: int, for the initial weights.

  Raises:
    ValueError: for a size below 1.
  """

  def __init__(self, out_channels, hidden_channels, num_blocks=3, seed=0, **kwargs):
    super().__init__(**kwargs)
    sizes.check_positive(
        self.name, out_channels=out_channels, hidden_channels=hidden_channels,
        num_blocks=num_blocks)
    self.out_channels = out_channels
    self.hidden_channels = hidden_channels
    self.num_blocks = num_blocks
    self.seed = seed
    layer_seeds = (seeds.derived_seed(seed, i) for i in itertools.count())

    def conv(channels, size):
      return same_conv.same_conv(
          channels, size, self.dtype_policy,
          keras.initializers.GlorotUniform(seed=next(layer_seeds)))

    self.input_conv = conv(hidden_channels, 3)
    self.convs = [conv(hidden_channels, 3) for _ in range(num_blocks)]
    self.gates = [conv(2 * hidden_channels, 1) for _ in range(num_blocks)]
    self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy)
                  for _ in range(num_blocks)]
    self.output_conv = same_conv.same_conv(out_channels, 3, self.dtype_policy, 'zeros')

  def build(self, input_shape):
    hidden = (*input_shape[:-1], self.hidden_channels)
    doubled = (*input_shape[:-1], 2 * self.hidden_channels)
    self.input_conv.build(input_shape)
    for conv, gate, norm in zip(self.convs, self.gates, self.norms):
      conv.build(doubled)
      gate.build(doubled)
      norm.build(hidden)
    self.output_conv.build(doubled)

  def call(self, x):
    h = self.input_conv(x)
    for conv, gate, norm in zip(self.convs, self.gates, self.norms):
      value, gated = tf.split(gate(concat_elu(conv(concat_elu(h)))), 2, axis=-1)
      h = norm(h + value * tf.sigmoid(gated))
    return self.output_conv(concat_elu(h))

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.out_channels)

  def get_config(self):
    return {**super().get_config(), 'out_channels': self.out_channels,
            'hidden_channels': self.hidden_channels, 'num_blocks': self.num_blocks,
            'seed': self.seed}
