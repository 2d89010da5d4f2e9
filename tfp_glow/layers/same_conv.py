"""Keras' convolution as the networks use it."""

import keras

__all__ = ['same_conv']


def same_conv(channels, size, dtype_policy, kernel_initializer, dilation=1):
  """A `Conv2D` from `[N, H, W, C]` to `[N, H, W, channels]`, whatever order the user's Keras has."""
  return keras.layers.Conv2D(
      channels, size, padding='same', data_format='channels_last', dilation_rate=dilation,
      dtype=dtype_policy, kernel_initializer=kernel_initializer)
