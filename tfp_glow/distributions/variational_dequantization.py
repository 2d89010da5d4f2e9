"""Dequantisation noise from a flow conditioned on the image."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import inner as inner_lib
from tfp_glow.distributions import dequantization
from tfp_glow.layers import seeds

__all__ = ['NoiseFlow', 'VariationalDequantizer']

tfd = tfp.distributions


class NoiseFlow(flow_bijector.FlowBijector):
  """From uniform noise e to the dequantisation noise u of given images.

      forward   u = sigmoid(f_n( ... f_1(logit(e); c) ...; c)),   c = context(images)
      inverse   the same backwards
      log|det du/de| = -log q(u | images)

  f_i is the `inverse` of a coupling, its analytic direction also for a mixture
  of logistics, with the context c as further input of its network. Every u of the
  open unit cube is that of some e, whatever the couplings learn, so the bound of many draws
  comes as near to the image's probability as one likes; float32 noise ends 2**-24 off 0 and 1,
  and e = 0 counts as 2**-25.

  `forward`, `inverse` and the log-dets need the condition `images`, uint8
  `[..., H, W, C]`.

  Args:
    couplings: list of couplings on `[N, H, W, C]` with conditioners that take
      the keyword argument `context`.
    context: None, for the images' levels scaled to [-1, 1], or a built Keras
      layer, `[N, H, W, C] -> [N, H, W, F]`, that gets those.
    n_bits: int, 1 to 8; the images' lower bits are dropped.
    dtype: float dtype of the noise.
  """

  def __init__(self, couplings, context=None, n_bits=8, dtype=tf.float32,
               validate_args=False, name='noise_flow'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      self._couplings = couplings
      self._context = None if context is None else layers.LayerConditioner(context)
      self._n_bits = n_bits
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @property
  def couplings(self):
    return self._couplings

  @property
  def n_bits(self):
    return self._n_bits

  @property
  def conditions(self):
    return dict(images=layers.Condition((None, None, None), dtype=tf.uint8))

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def initialize(self, noise, images):
    """Initialises ActNorm in the networks, where they have any, from a batch.

    Args:
      noise: float Tensor `[N, H, W, C]` in [0, 1), what `forward` will see.
      images: uint8 Tensor of the same shape.
    """
    context = self._context_of(images)
    h = _logit(_off_the_ends(tf.convert_to_tensor(noise, self.dtype)))
    for coupling in self.couplings:
      coupling.initialize(h, context=context)
      h, _ = flow_bijector.inverse_and_log_det(coupling, h, 3, context=context)

  def _forward_and_log_det(self, e, images):
    context = self._context_of(images)
    h = _logit(_off_the_ends(e))
    log_det = -_log_det_of_sigmoid(h)
    for coupling in self.couplings:
      h, log_det_of_coupling = flow_bijector.inverse_and_log_det(
          coupling, h, 3, context=context)
      log_det += log_det_of_coupling
    return tf.sigmoid(h), log_det + _log_det_of_sigmoid(h)

  def _inverse_and_log_det(self, u, images):
    context = self._context_of(images)
    h = _logit(u)
    log_det = -_log_det_of_sigmoid(h)
    for coupling in reversed(self.couplings):
      h, log_det_of_coupling = flow_bijector.forward_and_log_det(
          coupling, h, 3, context=context)
      log_det += log_det_of_coupling
    return tf.sigmoid(h), log_det + _log_det_of_sigmoid(h)

  def _context_of(self, images):
    middle = tf.constant(2.**-self.n_bits / 2., self.dtype)
    scaled = 2. * dequantization.dequantize(images, middle, self.n_bits) - 1.
    return scaled if self._context is None else self._context(scaled)


def _off_the_ends(e):
  """Noise in [0, 1], multiples of 2**-24, within (0, 1)."""
  return tf.clip_by_value(e, 2.**-25, 1. - 2.**-24)


def _logit(u):
  return tf.math.log(u) - tf.math.log1p(-u)


def _log_det_of_sigmoid(h):
  return tf.reduce_sum(tf.math.log_sigmoid(h) + tf.math.log_sigmoid(-h), [1, 2, 3])


class VariationalDequantizer(tf.Module):
  """Variational dequantisation (Flow++, Ho et al. 2019, section 3.1).

      x = (floor(images / 2**(8 - n_bits)) + u) / 2**n_bits,   u ~ q(u | image)
      log P(image) >= E[log p(x) - log q(x | image)]

  `distribution` is q(u | image) over noise `[H, W, C]`, a
  `tfd.TransformedDistribution` of uniform noise under a `NoiseFlow`; `sample`
  and `log_prob` take `bijector_kwargs=dict(images=images)`. Trained with the
  flow p, it fits the noise to what p finds likely, and the bound gets tighter.

  Args:
    noise_flow: a `NoiseFlow`.
    image_shape: `(H, W, C)`, ints.
  """

  def __init__(self, noise_flow, image_shape, name='variational_dequantizer'):
    super().__init__(name=name)
    zero, one = tf.zeros([], noise_flow.dtype), tf.ones([], noise_flow.dtype)
    self.distribution = tfd.TransformedDistribution(
        tfd.Sample(tfd.Uniform(zero, one), list(image_shape)), noise_flow)

  @classmethod
  def trainable(cls, image_shape, n_bits=8, num_couplings=4, inner='affine',
                scale_map='tanh', network=None, context_network=None, seed=0,
                dtype=tf.float32):
    """A dequantizer with networks of its own; it starts near the uniform one.

    With its defaults it is that of tutorial 11 ("Normalizing Flows for image
    modeling") of the UvA deep learning course: affine checkerboard couplings
    whose gated networks see the masked noise beside the image. With
    `context_network` and `inner="mixture_logistics"` it has the form of Flow++:
    one network looks at the image, the couplings at its features.

    Args:
      image_shape: `(H, W, C)`, ints.
      n_bits: int, 1 to 8.
      num_couplings: int.
      inner: "affine", "additive", "mixture_logistics", "spline" or an `Inner`.
      scale_map: "sigmoid" or "tanh", of the couplings' affine part.
      network: None for `layers.GatedNet` of 16 hidden channels, or a callable
        `network(out_channels, seed=..., dtype=...)` that makes the unbuilt Keras
        layer of one coupling.
      context_network: None, or a callable `context_network(seed=..., dtype=...)`
        that makes the unbuilt Keras layer which looks at the image, `[N, H, W, C] ->
        [N, H, W, F]`.
      seed: int.
      dtype: float dtype.

    Raises:
      ValueError: for an unknown inner or scale map.
    """
    height, width, channels = image_shape
    if network is None:
      network = functools.partial(layers.GatedNet, hidden_channels=16)
    context, context_channels = None, channels
    if context_network is not None:
      context = context_network(
          seed=seeds.derived_seed(seed, 'dequantizer', 'context'), dtype=tf.as_dtype(dtype).name)
      context.build([None, height, width, channels])
      context_channels = context.compute_output_shape([None, height, width, channels])[-1]

    inner = inner_lib.resolve(inner, scale_map)

    def coupling(i):
      layer = network(
          inner.num_parameters * channels, seed=seeds.derived_seed(seed, 'dequantizer', i),
          dtype=tf.as_dtype(dtype).name)
      layer.build([None, height, width, channels + context_channels])
      return bijectors.Coupling(
          _ContextConditioner(layer),
          inner_lib.TrainableInner(inner, channels, scale_map, dtype),
          'checkerboard', i % 2 == 1, dtype)

    couplings = [coupling(i) for i in range(num_couplings)]
    return cls(NoiseFlow(couplings, context, n_bits, dtype), image_shape)

  @property
  def noise_flow(self):
    return self.distribution.bijector

  @property
  def n_bits(self):
    return self.noise_flow.n_bits

  def initialize(self, images, noise):
    """Data-dependent initialisation of the networks; see `NoiseFlow.initialize`."""
    self.noise_flow.initialize(noise, images)

  def __call__(self, images, noise):
    """Draws a point of the images' bin, as `UniformDequantizer` does.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.

    Returns:
      x, a float Tensor like `noise`, and log q(x | image) in nats, `[N]`.
    """
    u, log_det = self.noise_flow.forward_and_log_det(noise, images=images)
    return (dequantization.dequantize(images, u, self.n_bits),
            dequantization.log_density_of_bin(u, self.n_bits) - log_det)


class _ContextConditioner(tf.Module):
  """A built Keras layer that sees the context beside the masked noise."""

  def __init__(self, layer):
    super().__init__(name='conditioner')
    self._conditioner = layers.LayerConditioner(layer)

  def __call__(self, x, context):
    return self._conditioner(tf.concat([x, context], -1))

  def initialize(self, x, context):
    if hasattr(self._conditioner, 'initialize'):
      self._conditioner.initialize(tf.concat([x, context], -1))
