"""Glow's conditioner: three convolutions, the last one starting at zero."""

import math

import keras
import tensorflow as tf

from tfp_glow.layers import convolution
from tfp_glow.layers import data_dependent_init
from tfp_glow.layers import seeds
from tfp_glow.layers import sizes

__all__ = ['ConvNet', 'ZeroConv2D']

# Glow's published code scales the last convolution by exp(3 * logs), so that
# the learned scale moves faster than the optimizer's step size.
_LOG_SCALE_FACTOR = 3.


@keras.saving.register_keras_serializable('tfp_glow')
class ZeroConv2D(keras.layers.Layer):
  """Convolution that starts at zero, with a learned scale of its output.

      y = (conv(x, kernel) + bias) * exp(3 * log_scale)

  (Kingma & Dhariwal 2018, section 3.3.) Kernel, bias and log-scale start at
  zero; inputs are `[N, H, W, C]`, outputs `[N, H, W, out_channels]`.

  Args:
    out_channels: int.
    kernel_size: int, height and width of the kernel.
    seed: not used, since nothing is random; here so that every network can be
      made in the same way.

  Raises:
    ValueError: for a size below 1.
  """

  def __init__(self, out_channels, kernel_size=3, seed=0, **kwargs):
    super().__init__(**kwargs)
    sizes.check_positive(self.name, out_channels=out_channels, kernel_size=kernel_size)
    self.out_channels = out_channels
    self.kernel_size = kernel_size
    self.seed = seed

  def build(self, input_shape):
    size = self.kernel_size
    self.kernel = self.add_weight(
        shape=(size, size, input_shape[-1], self.out_channels), initializer='zeros',
        name='kernel')
    self.bias = self.add_weight(
        shape=(self.out_channels,), initializer='zeros', name='bias')
    self.log_scale = self.add_weight(
        shape=(self.out_channels,), initializer='zeros', name='log_scale')

  def call(self, x):
    # The small factors are scaled instead of the large output.
    scale = tf.exp(_LOG_SCALE_FACTOR * self.log_scale)
    return convolution.convolve(x, self.kernel * scale, self.bias * scale)

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.out_channels)

  def get_config(self):
    return {**super().get_config(), 'out_channels': self.out_channels,
            'kernel_size': self.kernel_size, 'seed': self.seed}


@keras.saving.register_keras_serializable('tfp_glow')
class ConvNet(keras.layers.Layer):
  """3x3, 1x1 and 3x3 convolution with ReLUs (Kingma & Dhariwal 2018, section 3.3).

  The output starts at zero, so a coupling starts as a constant map. Inputs are
  `[N, H, W, C]`, outputs `[N, H, W, out_channels]`.

  Args:
    out_channels: int.
    hidden_channels: int, the width of the two hidden layers.
    actnorm: bool, whether ActNorm follows the hidden convolutions, as in
      Glow's published code; `initialize` then sets it from data.
    seed: int, for the initial weights.

  Raises:
    ValueError: for a size below 1.
  """

  def __init__(self, out_channels, hidden_channels, actnorm=False, seed=0, **kwargs):
    super().__init__(**kwargs)
    sizes.check_positive(self.name, hidden_channels=hidden_channels)
    self.out_channels = out_channels
    self.hidden_channels = hidden_channels
    self.actnorm = actnorm
    self.seed = seed
    self.output_conv = ZeroConv2D(out_channels, dtype=self.dtype_policy)

  def build(self, input_shape):
    width = self.hidden_channels
    shapes = [(3, 3, input_shape[-1], width), (1, 1, width, width)]
    self.kernels, self.biases, self.log_scales = [], [], []
    for i, shape in enumerate(shapes):
      self.kernels.append(self.add_weight(
          shape=shape, name=f'kernel_{i}',
          initializer=keras.initializers.HeNormal(seed=seeds.derived_seed(self.seed, i))))
      self.biases.append(self.add_weight(
          shape=(width,), initializer='zeros', name=f'bias_{i}'))
      if self.actnorm:
        self.log_scales.append(self.add_weight(
            shape=(width,), initializer='zeros', name=f'log_scale_{i}'))
    self.output_conv.build((*input_shape[:-1], width))

  def initial_weights(self, num):
    """Values like the initial ones of `num` layers, for `StackedLayer`.

    Returns:
      A list of Tensors `[num, ...]`, one for each of `trainable_variables`.
    """
    values = []
    for i, v in enumerate(self.trainable_variables):
      shape = [num, *v.shape]
      if any(v is kernel for kernel in self.kernels):
        # Truncated at two standard deviations, which leaves 0.8796 of one.
        stddev = math.sqrt(2. / math.prod(v.shape[:-1])) / .87962566103423978
        values.append(tf.random.stateless_truncated_normal(
            shape, [seeds.derived_seed(self.seed, 'stack'), i], stddev=stddev, dtype=v.dtype,
            alg='philox'))
      else:
        values.append(tf.zeros(shape, v.dtype))
    return values

  def call(self, x):
    for i in range(len(self.kernels)):
      x = self._hidden(i, x)
    return self.output_conv(x)

  def initialize(self, x):
    """Sets the hidden ActNorms by whitening, from the layer's input x `[N, H, W, C]`."""
    if not self.actnorm:
      return
    x = tf.cast(x, self.compute_dtype)
    for i in range(len(self.kernels)):
      bias, log_scale = data_dependent_init.whitening(
          convolution.convolve(x, self.kernels[i]))
      self.biases[i].assign(bias)
      self.log_scales[i].assign(log_scale)
      x = self._hidden(i, x)

  def _hidden(self, i, x):
    kernel, bias = tf.convert_to_tensor(self.kernels[i]), tf.convert_to_tensor(self.biases[i])
    if self.actnorm:
      # (conv(x, kernel) + bias) * scale, with the scale on the small factors.
      scale = tf.exp(self.log_scales[i])
      kernel, bias = kernel * scale, bias * scale
    return convolution.convolve(x, kernel, bias, tf.nn.relu)

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.out_channels)

  def get_config(self):
    return {**super().get_config(), 'out_channels': self.out_channels,
            'hidden_channels': self.hidden_channels, 'actnorm': self.actnorm,
            'seed': self.seed}
