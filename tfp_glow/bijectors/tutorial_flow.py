"""The multi-scale MNIST flow of the normalizing-flows tutorial."""

import functools

import tensorflow as tf

from tfp_glow.bijectors import coupling
from tfp_glow.bijectors import multi_scale
from tfp_glow.bijectors import split
from tfp_glow.bijectors import squeeze
from tfp_glow.layers import gated_net

__all__ = ['tutorial_multi_scale']


def tutorial_multi_scale(image_shape=(28, 28, 1), hidden_channels=(32, 48, 64), seed=0,
                         dtype=tf.float32):
  """The multi-scale flow of tutorial 11 of the UvA deep learning course.

  Two checkerboard couplings, squeeze, two channel couplings, split with a
  standard normal prior, squeeze, four channel couplings; every coupling affine
  with a gated network and the tanh scale map, the masks alternating.

  Args:
    image_shape: `(H, W, C)`, H and W multiples of 4.
    hidden_channels: widths of the networks at the three resolutions.
    seed: int, for the initial weights.
    dtype: float dtype.

  Returns:
    A `MultiScale`.
  """
  seeds = iter(range(seed, seed + 8000, 1000))

  def couplings(count, channels, hidden, mask):
    network = functools.partial(gated_net.GatedNet, hidden_channels=hidden)
    return [
        coupling.AffineCoupling.trainable(
            channels, network, scale_map='tanh', mask=mask, flip=i % 2 == 1,
            seed=next(seeds), dtype=dtype)
        for i in range(count)]

  channels = image_shape[-1]
  fine, middle, coarse = hidden_channels
  return multi_scale.MultiScale(
      image_shape,
      scales=[
          [*couplings(2, channels, fine, 'checkerboard'), squeeze.Squeeze(dtype=dtype),
           *couplings(2, 4 * channels, middle, 'channel')],
          [squeeze.Squeeze(dtype=dtype), *couplings(4, 8 * channels, coarse, 'channel')]],
      splits=[split.Split(dtype=dtype)], dtype=dtype, name='tutorial_multi_scale')
