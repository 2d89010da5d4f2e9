"""A flow with all that lies between it and uint8 images."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import logit
from tfp_glow.bijectors import multi_scale
from tfp_glow.distributions import dequantization
from tfp_glow.distributions import random

__all__ = ['ImageModel', 'flow_distribution']

tfd = tfp.distributions
tfb = tfp.bijectors


def flow_distribution(flow, logit_alpha=0., dtype=tf.float32):
  """The distribution of images in the unit cube under a flow.

  Args:
    flow: a `MultiScale` such as `Glow`, from a flat latent to an image.
    logit_alpha: float; above 0, the flow models the logit of the image
      (`bijectors.Logit`), else the image less 1/2.
    dtype: float dtype of the flow.

  Returns:
    A `tfd.TransformedDistribution` over `[H, W, C]` in [0, 1], with a standard
    normal of H * W * C dimensions as its base.
  """
  if logit_alpha > 0.:
    to_unit_cube = logit.Logit(logit_alpha, dtype=dtype)
  else:
    to_unit_cube = tfb.Shift(tf.constant(0.5, dtype))
  base = tfd.Sample(
      tfd.Normal(tf.zeros([], dtype), tf.ones([], dtype)), [flow.latent_size])
  return tfd.TransformedDistribution(base, tfb.Chain([to_unit_cube, flow]))


class ImageModel(tf.Module):
  """Likelihood, encoding and sampling of uint8 images under a flow.

  Args:
    distribution: `tfd.TransformedDistribution` over images in the unit cube,
      from `flow_distribution`.
    n_bits: int, 1 to 8; the images' lower bits are dropped.
    dequantizer: None for a `UniformDequantizer`, or another callable like it, such
      as a `VariationalDequantizer`, of the same `n_bits`.

  Raises:
    ValueError: for another `n_bits`.
  """

  def __init__(self, distribution, n_bits=8, dequantizer=None, name='image_model'):
    super().__init__(name=name)
    if not 1 <= n_bits <= 8:
      raise ValueError(f'n_bits must lie between 1 and 8, got {n_bits}.')
    if dequantizer is None:
      dequantizer = dequantization.UniformDequantizer(n_bits)
    if dequantizer.n_bits != n_bits:
      raise ValueError(
          f'the dequantizer was made for {dequantizer.n_bits} bits, the model for {n_bits}.')
    self.distribution = distribution
    self.dequantizer = dequantizer
    self.n_bits = n_bits

  @property
  def flow(self):
    """The `MultiScale` between the flat latent and the image."""
    return next(b for b in self.distribution.bijector.bijectors
                if isinstance(b, multi_scale.MultiScale))

  @property
  def image_shape(self):
    """`(H, W, C)`."""
    return self.flow.image_shape

  @property
  def event_size(self):
    """D = H * W * C."""
    return self.flow.latent_size

  def initialize(self, images, noise):
    """Data-dependent initialisation from a batch; see `MultiScale.initialize`.

    The dequantizer comes first, where it has any, then the flow on what it makes.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.
    """
    *outer, _ = self.distribution.bijector.bijectors
    images, noise = self._checked(images, noise)
    if hasattr(self.dequantizer, 'initialize'):
      self.dequantizer.initialize(images, noise)
    x, _ = self.dequantizer(images, noise)
    for bijector in outer:
      x = bijector.inverse(x)
    self.flow.initialize(x)

  def log_prob(self, images, noise):
    """log P(image) in nats, from below: one draw of the dequantisation bound.

        log p(x) - log q(x | image),   x = dequantizer(image, noise)

    (Ho et al. 2019, equation 5.)

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.

    Returns:
      A Tensor `[N]`.

    Raises:
      ValueError: for images of another shape or dtype.
    """
    x, log_q = self.dequantizer(*self._checked(images, noise))
    return self.distribution.log_prob(x) - log_q

  def bits_per_dim(self, images, noise):
    """`-log_prob(images, noise)` in bits per dimension, `[N]`."""
    return self.in_bits_per_dim(self.log_prob(images, noise))

  def in_bits_per_dim(self, log_prob):
    """Bits per dimension of log-probabilities in nats."""
    return -log_prob / (self.event_size * math.log(2.))

  def log_prob_bounds(self, images, num_draws, noise_of_draw):
    """Two lower bounds of log P(image) in nats, from the same draws of noise.

        mean_k log w_k   and   log mean_k w_k,   w_k = p(x_k) / q(x_k | image)

    The first has the expectation of one draw, `log_prob`; the second is that of
    Burda et al. 2016, equation 8: in expectation it grows with the number of
    draws, so that its figures must not be compared with those of the first. Draws
    come one after the other: memory is that of one.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      num_draws: int or int32 Tensor, at least 1.
      noise_of_draw: callable that makes the noise of draw k, an int32 scalar
        Tensor from 0: float in [0, 1), of the images' shape.

    Returns:
      A pair of Tensors `[N]`.

    Raises:
      ValueError: for images of another shape or dtype, or a number of draws below 1
        (if it is an int).
    """
    if not tf.is_tensor(num_draws) and num_draws < 1:
      raise ValueError(f'num_draws must be at least 1, got {num_draws}.')
    images = tf.convert_to_tensor(images)
    shape = images.shape[:1]

    def draw(k, total, log_total):
      log_prob = self.log_prob(images, tf.ensure_shape(noise_of_draw(k), images.shape))
      log_total = tf.reduce_logsumexp(tf.stack([log_total, log_prob]), 0)
      return k + 1, tf.ensure_shape(total + log_prob, shape), tf.ensure_shape(log_total, shape)

    zeros = tf.zeros(tf.shape(images)[:1], self.distribution.dtype)
    _, total, log_total = tf.while_loop(
        lambda k, *_: k < num_draws, draw, (tf.constant(0), zeros, zeros - math.inf),
        parallel_iterations=1, maximum_iterations=num_draws)
    count = tf.cast(num_draws, total.dtype)
    return total / count, log_total - tf.math.log(count)

  def importance_weighted_log_prob(self, images, num_draws, seed):
    """The second of `log_prob_bounds`; for one draw it is `log_prob`.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      num_draws: int or int32 Tensor, at least 1.
      seed: two ints, or an int32 Tensor `[2]`; draw k uses the noise
        `noise_of_draw([N, H, W, C], seed, k)`.

    Returns:
      A Tensor `[N]`.

    Raises:
      ValueError: for images of another shape or dtype, or a number of draws below 1
        (if it is an int).
    """
    return self.log_prob_bounds(
        images, num_draws,
        lambda k: dequantization.noise_of_draw(tf.shape(images), seed, k))[1]

  def importance_weighted_bits_per_dim(self, images, num_draws, seed):
    """`-importance_weighted_log_prob(...)` in bits per dimension, `[N]`."""
    return self.in_bits_per_dim(self.importance_weighted_log_prob(images, num_draws, seed))

  def encode(self, images, noise):
    """The latents `[N, D]` of uint8 images `[N, H, W, C]`."""
    x, _ = self.dequantizer(*self._checked(images, noise))
    return self.distribution.bijector.inverse(x)

  def decode(self, latents):
    """Images in the unit cube, float `[N, H, W, C]`, of latents `[N, D]`."""
    return tf.clip_by_value(self.distribution.bijector.forward(latents), 0., 1.)

  def quantize(self, x):
    """The uint8 images of float images in the unit cube."""
    return dequantization.quantize(x, self.n_bits)

  def sample(self, num, temperature=1., seed=(0, 0)):
    """Draws uint8 images `[num, H, W, C]`.

    Args:
      num: int.
      temperature: float, the base's standard deviation; 1 samples the model.
      seed: two ints; the same seed gives the same images, under XLA too.
    """
    return self.quantize(self.decode(self.sample_latents(num, temperature, seed)))

  def sample_latents(self, num, temperature=1., seed=(0, 0)):
    """Draws latents `[num, D]` from a normal with standard deviation `temperature`."""
    normal = random.normal([num, self.event_size], seed)
    return tf.cast(temperature * normal, self.distribution.dtype)

  def _checked(self, images, noise):
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8 or not images.shape[1:].is_compatible_with(self.image_shape):
      raise ValueError(
          f'images must be uint8 of the shape [N, {", ".join(map(str, self.image_shape))}], '
          f'got {images.dtype.name} of the shape {images.shape}.')
    return images, tf.cast(noise, self.distribution.dtype)
