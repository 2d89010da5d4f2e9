"""From uint8 images to points of the unit cube and back."""

import math

import tensorflow as tf

from tfp_glow.distributions import random

__all__ = ['UniformDequantizer', 'bits_per_dim', 'dequantize', 'noise_of_draw', 'quantize',
           'uniform_noise']


def uniform_noise(shape, seed):
  """Noise in [0, 1) for `dequantize`, the same on every device and under XLA.

  Args:
    shape: shape of the images.
    seed: two ints.
  """
  return random.uniform(shape, seed)


def noise_of_draw(shape, seed, draw):
  """The noise of one of many draws that share a seed.

  Args:
    shape: shape of the images.
    seed: two ints, or an int32 Tensor `[2]`.
    draw: int or int32 Tensor, from 0.

  Returns:
    float32 Tensor in [0, 1), the same on every device and under XLA.
  """
  seed = tf.convert_to_tensor(random.checked_seed(seed), tf.int32)
  return random.uniform(
      shape, tf.random.experimental.stateless_fold_in(seed, draw, alg='philox'))


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


class UniformDequantizer(tf.Module):
  """Uniform dequantisation as an `ImageModel` takes it.

  A dequantizer is a callable from images and uniform noise to a point x of the
  unit cube in the images' bin and log q(x | image); here q is uniform on the bin.

  Args:
    n_bits: int, 1 to 8.
  """

  def __init__(self, n_bits=8, name='uniform_dequantizer'):
    super().__init__(name=name)
    self.n_bits = n_bits

  def __call__(self, images, noise):
    """Draws a point of the images' bin.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.

    Returns:
      x, a float Tensor like `noise`, and log q(x | image) in nats, `[N]`.
    """
    return (dequantize(images, noise, self.n_bits),
            tf.fill(tf.shape(images)[:1], log_density_of_bin(noise, self.n_bits)))


def log_density_of_bin(noise, n_bits):
  """D log 2**n_bits, of noise `[N, H, W, C]`: what the uniform density on a bin is."""
  dimensions = tf.cast(tf.reduce_prod(tf.shape(noise)[1:]), noise.dtype)
  return dimensions * (n_bits * math.log(2.))


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
