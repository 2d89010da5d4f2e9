"""A flow with all that lies between it and uint8 images."""

import itertools
import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import multi_scale
from tfp_glow.distributions import classes
from tfp_glow.distributions import dequantization
from tfp_glow.distributions import random
from tfp_glow.layers import static_shape

__all__ = ['ImageModel']

tfd = tfp.distributions


class ImageModel(tf.Module):
  """Likelihood, encoding and sampling of uint8 images under a flow.

  Args:
    distribution: `tfd.TransformedDistribution` over images in the unit cube, whose bijector is a
      `MultiScale` such as `Glow`, or a `tfb.Chain` that ends in one; see `flow_distribution`.
    n_bits: int, 1 to 8; the images' lower bits are dropped.
    dequantizer: None for a `UniformDequantizer`, or another callable like it, such
      as a `VariationalDequantizer`, of the same `n_bits`.
    classifier: None, or the `LatentClassifier` whose loss is a part of the training
      loss of a flow with classes.

  What the images are given, the flow's `conditions`, comes as keyword arguments of every method,
  such as `labels`, int `[N]`: of a flow that has them they must be given, of another they must
  not (None counts as not given). Labels alone may be left out where that means something: a
  likelihood is then that of the image without its label, log mean_y p(image | y), at the cost of a
  pass for each class; `sample` draws labels, all classes being equally likely; `encode` takes the
  likeliest. Every method computes what it returns, without TFP's cache.

  Raises:
    ValueError: for another distribution or `n_bits`, or a classifier without classes, or with
      couplings that are given the label.
  """

  def __init__(self, distribution, n_bits=8, dequantizer=None, classifier=None,
               name='image_model'):
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
    if not isinstance(self._bijectors()[-1], multi_scale.MultiScale):
      raise ValueError(
          'an ImageModel needs a distribution whose bijector is, or is a tfb.Chain that ends in, '
          f'a Glow or another MultiScale; got {distribution}.')
    self._has_standard_base = _is_standard_normal(distribution.distribution)
    if classifier is not None:
      self._check_classifier()
    self.classifier = classifier

  @property
  def flow(self):
    """The `MultiScale` between the flat latent and the image."""
    return self._bijectors()[-1]

  @property
  def image_shape(self):
    """`(H, W, C)`."""
    return self.flow.image_shape

  @property
  def event_size(self):
    """D = H * W * C."""
    return self.flow.latent_size

  @property
  def conditions(self):
    """What the images are given, a dict of `layers.Condition`s by name."""
    return self.flow.conditions

  @property
  def num_classes(self):
    """How many classes labels may name; 0 for a model of images without labels."""
    return self.conditions['labels'].num_classes if 'labels' in self.conditions else 0

  def initialize(self, images, noise, **conditions):
    """Data-dependent initialisation from a batch; see `MultiScale.initialize`.

    The dequantizer comes first, where it has any, then the flow on what it makes.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.
      **conditions: Tensors `[N, ...]`.
    """
    if hasattr(self.dequantizer, 'initialize'):
      self.dequantizer.initialize(*self._checked(images, noise))
    self.flow.initialize(self._flow_input(images, noise), **_given(conditions))

  def reconstruction_errors(self, images, noise, **conditions):
    """`MultiScale.reconstruction_errors` for what the flow sees of images; see `initialize`."""
    return self.flow.reconstruction_errors(
        self._flow_input(images, noise), **_given(conditions))

  def log_prob(self, images, noise, **conditions):
    """log P(image | conditions) in nats, from below: one draw of the dequantisation bound.

        log p(x) - log q(x | image),   x = dequantizer(image, noise)

    (Ho et al. 2019, equation 5.)

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.
      **conditions: Tensors `[N, ...]`.

    Returns:
      A Tensor `[N]`.

    Raises:
      ValueError: for images or noise of another shape or dtype, or conditions that are missing,
        not known, of another shape or out of range.
    """
    x, log_q = self.dequantizer(*self._checked(images, noise))
    if self._lack_labels(conditions):
      return classes.log_mean(self._class_log_densities(x, conditions)) - log_q
    z, log_det = self._latents_and_log_det(x, conditions)
    return self.distribution.distribution.log_prob(z) + log_det - log_q

  def bits_per_dim(self, images, noise, **conditions):
    """`-log_prob(images, noise, ...)` in bits per dimension, `[N]`."""
    return self.in_bits_per_dim(self.log_prob(images, noise, **conditions))

  def in_bits_per_dim(self, log_prob):
    """Bits per dimension of log-probabilities in nats."""
    return -log_prob / (self.event_size * math.log(2.))

  def log_prob_bounds(self, images, num_draws, noise_of_draw, **conditions):
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
      **conditions: Tensors `[N, ...]`.

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
      noise = tf.ensure_shape(noise_of_draw(k), images.shape)
      log_prob = self.log_prob(images, noise, **conditions)
      log_total = tf.reduce_logsumexp(tf.stack([log_total, log_prob]), 0)
      return k + 1, tf.ensure_shape(total + log_prob, shape), tf.ensure_shape(log_total, shape)

    zeros = tf.zeros(static_shape.sizes(images)[:1], self.distribution.dtype)
    _, total, log_total = tf.while_loop(
        lambda k, *_: k < num_draws, draw, (tf.constant(0), zeros, zeros - math.inf),
        parallel_iterations=1, maximum_iterations=num_draws)
    count = tf.cast(num_draws, total.dtype)
    return total / count, log_total - tf.math.log(count)

  def importance_weighted_log_prob(self, images, num_draws, seed, **conditions):
    """The second of `log_prob_bounds`; for one draw it is `log_prob`.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      num_draws: int or int32 Tensor, at least 1.
      seed: two ints, or an int32 Tensor `[2]`; draw k uses the noise
        `noise_of_draw([N, H, W, C], seed, k)`.
      **conditions: Tensors `[N, ...]`.

    Returns:
      A Tensor `[N]`.

    Raises:
      ValueError: for images of another shape or dtype, or a number of draws below 1
        (if it is an int).
    """
    return self.log_prob_bounds(
        images, num_draws,
        lambda k: dequantization.noise_of_draw(tf.shape(images), seed, k), **conditions)[1]

  def importance_weighted_bits_per_dim(self, images, num_draws, seed, **conditions):
    """`-importance_weighted_log_prob(...)` in bits per dimension, `[N]`."""
    return self.in_bits_per_dim(
        self.importance_weighted_log_prob(images, num_draws, seed, **conditions))

  def class_log_probs(self, images, noise, **conditions):
    """log P(image | label) in nats for every label, one after the other.

    Memory is that of one label.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.
      **conditions: the others beside the label.

    Returns:
      A Tensor `[N, num_classes]`; column y is `log_prob(images, noise, labels=y)`.

    Raises:
      ValueError: for a model without classes, else as `log_prob`.
    """
    if not self.num_classes:
      raise ValueError('the flow has no classes; make it with num_classes.')
    x, log_q = self.dequantizer(*self._checked(images, noise))
    return self._class_log_densities(x, conditions) - log_q[:, tf.newaxis]

  def class_probabilities(self, class_log_probs, prior=None):
    """P(label | image) of what `class_log_probs` returns; see `classes.probabilities`."""
    return classes.probabilities(class_log_probs, prior)

  def likeliest_labels(self, images, noise, **conditions):
    """The class of each image with the greatest likelihood, int32 `[N]`; see `class_log_probs`."""
    return tf.argmax(self.class_log_probs(images, noise, **conditions), -1, tf.int32)

  def bits_per_dim_and_class_bits(self, images, noise, labels, **conditions):
    """Both parts of the training loss with a classifier, from one pass through the flow.

    Args:
      images: uint8 Tensor `[N, H, W, C]`.
      noise: float Tensor in [0, 1) of the same shape.
      labels: int Tensor `[N]`.
      **conditions: the others.

    Returns:
      `bits_per_dim(images, noise, labels=labels)`, and the classifier's cross entropy in
      bits, -log2 P(label | top latent). Tensors `[N]`.
    """
    x, log_q = self.dequantizer(*self._checked(images, noise))
    z, log_det = self._latents_and_log_det(x, dict(conditions, labels=labels))
    log_prob = self.distribution.distribution.log_prob(z) + log_det - log_q
    h, _ = self.flow.top.forward_and_log_det(
        self.flow.split_latents(z)[-1],
        **flow_bijector.conditions_for(self.flow.top, dict(labels=labels)))
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.classifier(h))
    return self.in_bits_per_dim(log_prob), cross_entropy / math.log(2.)

  def encode(self, images, noise, **conditions):
    """The latents `[N, D]` of uint8 images `[N, H, W, C]`.

    Without labels they are those given `likeliest_labels(images, noise)`, which `decode` needs to
    give the images back.
    """
    if self._lack_labels(conditions):
      conditions['labels'] = self.likeliest_labels(images, noise, **conditions)
    x, _ = self.dequantizer(*self._checked(images, noise))
    return self._latents_and_log_det(x, conditions)[0]

  def decode(self, latents, **conditions):
    """Images in the unit cube, float `[N, H, W, C]`, of latents `[N, D]`."""
    x, _ = self.flow.forward_and_log_det(latents, **_given(conditions))
    for bijector in reversed(self._bijectors()[:-1]):
      x, _ = flow_bijector.forward_and_log_det(bijector, x, event_ndims=3)
    return tf.clip_by_value(x, 0., 1.)

  def quantize(self, x):
    """The uint8 images of float images in the unit cube."""
    return dequantization.quantize(x, self.n_bits)

  def sample(self, num, temperature=1., seed=(0, 0), **conditions):
    """Draws uint8 images `[num, H, W, C]`.

    Args:
      num: int.
      temperature: float, the base's standard deviation over its own; 1 samples the model.
      seed: two ints; the same seed gives the same images, under XLA too.
      **conditions: Tensors `[num, ...]`; without labels they are `sample_labels(num, seed)`.

    Raises:
      ValueError: for a temperature below 0 or not finite, as far as it can be known, or another
        seed.
    """
    if self._lack_labels(conditions):
      conditions['labels'] = self.sample_labels(num, seed)
    return self.quantize(self.decode(self.sample_latents(num, temperature, seed), **conditions))

  def sample_latents(self, num, temperature=1., seed=(0, 0)):
    """Draws latents `[num, D]` from the base, their distance from its mean times `temperature`."""
    known = tf.get_static_value(temperature)
    if known is not None and not np.all(np.isfinite(known) & (np.asarray(known) >= 0)):
      raise ValueError(f'temperature must be a number of at least 0, got {known}.')
    base, temperature = self.distribution.distribution, tf.cast(temperature, self.flow.dtype)
    if self._has_standard_base:
      return temperature * tf.cast(random.normal([num, self.event_size], seed), self.flow.dtype)
    mean = base.mean()
    return mean + temperature * (base.sample(num, seed=random.checked_seed(seed)) - mean)

  def sample_labels(self, num, seed=(0, 0)):
    """The labels of the images that `sample` draws where it is given none, int32 `[num]`."""
    return classes.draw_labels(num, self.num_classes, seed)

  def _lack_labels(self, conditions):
    return conditions.get('labels') is None and self.num_classes > 0

  def _class_log_densities(self, x, conditions):
    """log p(x | label) `[N, num_classes]` of points x of the unit cube."""
    x, log_det = self._through_outer(x)

    def log_density(label):
      z, log_det_of_flow = self.flow.inverse_and_log_det(
          x, **_given({**conditions, 'labels': label}))
      return self.distribution.distribution.log_prob(z) + log_det_of_flow

    log_densities = tf.map_fn(
        log_density, tf.range(self.num_classes), parallel_iterations=1,
        fn_output_signature=tf.TensorSpec(x.shape[:1], self.distribution.dtype))
    log_densities = tf.transpose(log_densities) + log_det[:, tf.newaxis]
    return tf.ensure_shape(log_densities, [x.shape[0], self.num_classes])

  def _bijectors(self):
    """From the unit cube to the latent; the flow is the last."""
    bijector = self.distribution.bijector
    return list(getattr(bijector, 'bijectors', [bijector]))

  def _latents_and_log_det(self, x, conditions):
    """z `[N, D]` of points x of the unit cube, and log|det dz/dx| `[N]`."""
    x, log_det = self._through_outer(x)
    z, log_det_of_flow = self.flow.inverse_and_log_det(x, **_given(conditions))
    return z, log_det + log_det_of_flow

  def _through_outer(self, x):
    """What the flow gets of points x of the unit cube, and the log-det `[N]` of that."""
    total = tf.zeros(static_shape.sizes(x)[:1], x.dtype)
    for bijector in self._bijectors()[:-1]:
      x, log_det = flow_bijector.inverse_and_log_det(bijector, x, event_ndims=3)
      # Elementwise ones of ours leave the sum to their caller.
      total += tf.reduce_sum(log_det, [1, 2, 3]) if log_det.shape.rank == 4 else log_det
    return x, total

  def _flow_input(self, images, noise):
    """What the flow gets of uint8 images, with one draw of dequantisation."""
    x, _ = self.dequantizer(*self._checked(images, noise))
    return self._through_outer(x)[0]

  def _check_classifier(self):
    if not self.num_classes:
      raise ValueError('a classifier needs a flow with classes; make it with num_classes.')
    others = itertools.chain(*self.flow.scales, self.flow.splits)
    if self.flow.top is None or any('labels' in getattr(b, 'conditions', {}) for b in others):
      raise ValueError(
          'a classifier (class_weight) needs learn_top and goes without condition_couplings, '
          'through which the latent can know the label that it is asked for.')

  def _checked(self, images, noise):
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8 or not images.shape.is_compatible_with([None, *self.image_shape]):
      raise ValueError(
          f'images must be uint8 of the shape [N, {", ".join(map(str, self.image_shape))}], '
          f'got {images.dtype.name} of the shape {images.shape}.')
    noise = tf.cast(noise, self.flow.dtype)
    wrong = f'noise must have the shape {images.shape} of the images'
    if not noise.shape.is_compatible_with(images.shape):
      raise ValueError(f'{wrong}, got {noise.shape}.')
    if not (noise.shape.is_fully_defined() and images.shape.is_fully_defined()):
      same = tf.reduce_all(tf.equal(tf.shape(noise), tf.shape(images)))
      with tf.control_dependencies([tf.debugging.Assert(same, [wrong, tf.shape(noise)])]):
        noise = tf.identity(noise)
    return images, tf.ensure_shape(noise, images.shape)


def _is_standard_normal(base):
  """Whether a base is known to be, so that its draws can be those of `random`, also under XLA."""
  marginal = getattr(base, 'distribution', base)
  if not isinstance(marginal, tfd.Normal):
    return False
  parts = [tf.get_static_value(tf.convert_to_tensor(part))
           for part in (marginal.loc, marginal.scale) if not isinstance(part, tf.Variable)]
  return len(parts) == 2 and all(
      part is not None and np.all(part == wanted) for part, wanted in zip(parts, (0., 1.)))


def _given(conditions):
  """The conditions without those that are None."""
  return {name: value for name, value in conditions.items() if value is not None}
