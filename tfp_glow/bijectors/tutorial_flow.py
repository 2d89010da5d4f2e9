"""The MNIST flows of the normalizing-flows tutorial."""

import functools

import tensorflow as tf

from tfp_glow.bijectors import coupling
from tfp_glow.bijectors import multi_scale
from tfp_glow.bijectors import split
from tfp_glow.bijectors import squeeze
from tfp_glow.layers import gated_net
from tfp_glow.layers import seeds

__all__ = ['tutorial_multi_scale', 'tutorial_simple']


def tutorial_simple(image_shape=(28, 28, 1), hidden_channels=32, num_couplings=8, seed=0,
                    dtype=tf.float32):
  """The flow of one scale of tutorial 11 of the UvA deep learning course.

  Checkerboard couplings at full resolution, each affine with a gated network and
  the tanh scale map, the masks alternating.

  Args:
    image_shape: `(H, W, C)`.
    hidden_channels: int, width of the networks.
    num_couplings: int.
    seed: int, for the initial weights.
    dtype: float dtype.

  Returns:
    A `MultiScale`.
  """
  return multi_scale.MultiScale(
      image_shape,
      scales=[_couplings(num_couplings, image_shape[-1], hidden_channels, 'checkerboard',
                         seeds.derived_seed(seed, 0), dtype)],
      splits=[], dtype=dtype, name='tutorial_simple')


def tutorial_multi_scale(image_shape=(28, 28, 1), hidden_channels=(32, 48, 64), seed=0,
                         dtype=tf.float32):
  """The multi-scale flow of the same tutorial.

  Two checkerboard couplings, squeeze, two channel couplings, split with a
  standard normal prior, squeeze, four channel couplings; the couplings as in
  `tutorial_simple`.

  Args:
    image_shape: `(H, W, C)`, H and W multiples of 4.
    hidden_channels: widths of the networks at the three resolutions.
    seed: int, for the initial weights.
    dtype: float dtype.

  Returns:
    A `MultiScale`.
  """
  channels = image_shape[-1]
  fine, middle, coarse = hidden_channels
  return multi_scale.MultiScale(
      image_shape,
      scales=[
          [*_couplings(2, channels, fine, 'checkerboard', seeds.derived_seed(seed, 0), dtype),
           squeeze.Squeeze(dtype=dtype),
           *_couplings(2, 4 * channels, middle, 'channel', seeds.derived_seed(seed, 1), dtype)],
          [squeeze.Squeeze(dtype=dtype),
           *_couplings(4, 8 * channels, coarse, 'channel', seeds.derived_seed(seed, 2), dtype)]],
      splits=[split.Split(dtype=dtype)], dtype=dtype, name='tutorial_multi_scale')


def _couplings(count, channels, hidden_channels, mask, seed, dtype):
  network = functools.partial(gated_net.GatedNet, hidden_channels=hidden_channels)
  return [
      coupling.AffineCoupling.trainable(
          channels, network, scale_map='tanh', mask=mask, flip=i % 2 == 1,
          seed=seeds.derived_seed(seed, i), dtype=dtype)
      for i in range(count)]
