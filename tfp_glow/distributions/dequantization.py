"""From uint8 images to points of the unit cube and back."""

import math

import tensorflow as tf

from tfp_glow.distributions import random

__all__ = ['bits_per_dim', 'dequantize', 'quantize', 'uniform_noise']


def uniform_noise(shape, seed):
  """Noise in [0, 1) for `dequantize`, the same on every device and under XLA.

  Args:
    shape: shape of the images.
    seed: two ints.
  """
  return random.uniform(shape, seed)


def dequantize(images, noise, n_bits=8):
  """Uniform dequantisation (Theis et al. 2016, section 3.1).

      x = (floor(images / 2**(8 - n_bits)) + noise) / 2**n_bits

  Args:
    images: uint8 Tensor.
    noise: float Tensor in [0, 1) of the same shape, or one that broadcasts.
    n_bits: int, 1 to 8; the lower bits are dropped.

  Returns:
    A float Tensor in [0, 1] of the noise's dtype.
  """
  noise = tf.convert_to_tensor(noise)
  levels = tf.bitwise.right_shift(images, tf.constant(8 - n_bits, tf.uint8))
  return (tf.cast(levels, noise.dtype) + noise) / 2.**n_bits


def quantize(x, n_bits=8):
  """The uint8 image of a point of the unit cube, `dequantize` undone.

  Args:
    x: float Tensor; values outside [0, 1) count as the nearest level.
    n_bits: int, 1 to 8.

  Returns:
    A uint8 Tensor with `2**n_bits` levels spread over 0 to 255; dequantising
    it again leads to the same levels.
  """
  top = 2**n_bits - 1
  levels = tf.cast(tf.clip_by_value(tf.floor(x * 2.**n_bits), 0., float(top)), tf.int32)
  return tf.cast(levels * 255 // top, tf.uint8)


def bits_per_dim(log_prob, event_size, n_bits=8):
  """Bits per dimension of discrete images from the density of dequantised ones.

      -(log p(x) - D log 2**n_bits) / (D log 2)

  Args:
    log_prob: float Tensor, log p(x) in nats, a density on the unit cube.
    event_size: int, D = H * W * C.
    n_bits: int, noise of width `1 / 2**n_bits` was added.
  """
  return n_bits - log_prob / (event_size * math.log(2.))
