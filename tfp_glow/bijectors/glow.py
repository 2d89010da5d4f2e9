"""Glow: the whole multi-scale flow."""

import functools

import numpy as np
import tensorflow as tf

from tfp_glow.bijectors import actnorm
from tfp_glow.bijectors import class_prior
from tfp_glow.bijectors import level as level_lib
from tfp_glow.bijectors import multi_scale
from tfp_glow.bijectors import split as split_lib
from tfp_glow.bijectors import squeeze
from tfp_glow.layers import condition
from tfp_glow.layers import conditioner
from tfp_glow.layers import context_embedding
from tfp_glow.layers import context_net
from tfp_glow.layers import conv_net
from tfp_glow.layers import seeds

__all__ = ['Glow']

# Of what each level makes of the context.
_EMBEDDING_CHANNELS = 16


class Glow(multi_scale.MultiScale):
  """The flow of Glow (Kingma & Dhariwal 2018, figure 2) from a flat latent to an image.

  L scales, each a `Squeeze` and a `GlowLevel` of K steps, with a `Split`
  between scales. The splits' priors and the top prior are affine maps in the
  bijector, so the base is a standard normal and its scale is the temperature:

      distribution = tfd.TransformedDistribution(
          tfd.Sample(tfd.Normal(0., 1.), [H * W * C]), Glow((H, W, C), ...))

  Call `initialize(images)` once before training.

  What the images are given comes as keyword arguments, the conditions:

  - `labels`, with `num_classes`: it is the flow of images of a class, log p(image | label). The
    top prior has a mean and scale for each class (`ClassPrior`) and, with
    `condition_couplings`, the couplings and the splits' priors see the label too.
  - `context`, with `context_shape`: a vector or an image. Each level embeds it once, at its own
    size (`layers.ContextEmbedding`), for all its couplings and the split's prior.

      distribution.log_prob(images, bijector_kwargs=dict(labels=labels, context=context))

  Both reach the networks as further channels of their input (`layers.ContextNet`), and their
  batch shapes broadcast with that of the images.

  Args:
    image_shape: `(H, W, C)`, ints; H and W multiples of `2**num_levels`.
    num_levels: int, L.
    depth: int, K.
    hidden_channels: int, width of the default network.
    coupling: "affine", "additive", "mixture_logistics" or "spline"; or an
      `Inner`, such as `mixture_logistics_inner(num_components=32)`.
    permutation: "lu", "plain", "reverse" or "shuffle"; see `stacked_linear`.
    scale_map: "sigmoid" or "tanh", of the coupling's affine part; see
      `AffineCoupling`.
    learn_top: bool, whether the top prior's mean and scale per channel (and
      class) are learned (else standard normal).
    network: None for `layers.ConvNet` of `hidden_channels`, or a callable
      `network(out_channels, seed=..., dtype=...)` that makes the unbuilt Keras
      layer of one coupling.
    precision: "float32" or "bfloat16", in which the networks compute; see
      `GlowLevel.trainable`.
    reversible: bool, whether the backward pass recomputes activations instead
      of keeping them; see `GlowLevel`.
    input_limit: float, what the networks see is clipped to [-input_limit, input_limit]; 0: not
      at all, as in the paper. See `GlowLevel.trainable`.
    num_classes: int, 0 for a flow that knows no classes.
    condition_couplings: bool, whether the couplings, and the splits with them, see
      the label.
    context_shape: None, `(F,)` or `(h, w, c)`, the shape of one image's context.
    conv_init: "rotation" or "permutation", what the 1x1 convolutions start as; see
      `stacked_linear`.
    seed: int, for the initial weights. Every level, step and layer has a random stream of its
      own, so a deeper level leaves the others as they are.
    dtype: float dtype of images, latents and Variables.
    validate_args: bool, whether every call asserts that the Variables are finite.
    levels, splits, top, embeddings: None, or parts made before, to be used instead of new
      ones. `copy()` passes them on, so that a copy shares the Variables.

  Raises:
    ValueError: if H or W cannot be squeezed L times, an option is unknown, or classes
      are asked for and nothing would depend on them, or the other way around.
  """

  def __init__(self, image_shape, num_levels=3, depth=32, hidden_channels=512,
               coupling='affine', permutation='lu', scale_map='tanh', learn_top=True,
               network=None, precision='float32', reversible=False, input_limit=4.,
               num_classes=0, condition_couplings=False, context_shape=None,
               conv_init='rotation', seed=0, dtype=tf.float32, levels=None, splits=None,
               top=None, embeddings=None, validate_args=False, name='glow'):
    parameters = dict(locals())
    _check_size(image_shape, num_levels)
    if depth < 1:
      raise ValueError(f'{name}: depth must be at least 1, got {depth}.')
    _check_classes(num_classes, condition_couplings, learn_top)
    context_shape = _checked_context_shape(context_shape)
    with tf.name_scope(name) as name:
      self._num_classes = num_classes
      self._context_shape = self._no_dependency(context_shape)
      self._condition_couplings = condition_couplings
      if levels is None:
        if network is None:
          network = functools.partial(
              conv_net.ConvNet, hidden_channels=hidden_channels, actnorm=True)
        make_level = functools.partial(
            level_lib.GlowLevel.trainable, depth=depth, coupling=coupling, scale_map=scale_map,
            permutation=permutation, conv_init=conv_init, precision=precision,
            reversible=reversible, input_limit=input_limit, dtype=dtype)
        levels, splits, top, embeddings = self._made(
            image_shape, num_levels, make_level, network, learn_top, seed, dtype)
      parameters.update(levels=levels, splits=splits, top=top, embeddings=embeddings)
      self._levels = levels
      self._embeddings = embeddings
      super().__init__(
          image_shape, [[squeeze.Squeeze(dtype=dtype), level] for level in levels], splits,
          top, dtype, validate_args, parameters, name)

  def _made(self, image_shape, num_levels, make_level, network, learn_top, seed, dtype):
    """New levels, splits, top prior and embeddings of the context."""
    levels, splits, embeddings, top = [], [], [], None
    height, width, channels = image_shape
    for i in range(num_levels):
      height, width, channels = height // 2, width // 2, channels * 4
      size = height, width
      if self._context_shape:
        embeddings.append(_embedding(
            self._context_shape, size, seeds.derived_seed(seed, i, 'context'), dtype))
      seen = self._seen_by_networks(size)
      levels.append(make_level(
          (*size, channels),
          network=functools.partial(context_net.ContextNet, network=network, conditions=seen)
          if seen else network,
          seed=seeds.derived_seed(seed, i), name=f'level_{i}'))
      if i < num_levels - 1:
        splits.append(split_lib.Split.trainable(
            channels, dtype, f'split_{i}', seen, size, seeds.derived_seed(seed, i, 'split')))
        channels //= 2
    if learn_top and self.num_classes:
      top = class_prior.ClassPrior.trainable(self.num_classes, channels, dtype, name='top')
    elif learn_top:
      top = actnorm.ActNorm.trainable(channels, dtype, name='top')
    return levels, splits, top, embeddings

  def _seen_by_networks(self, size):
    """The conditions that the networks of a level get, by name."""
    seen = {}
    if self.condition_couplings:
      seen['labels'] = condition.Condition((), self.num_classes)
    if self._context_shape:
      seen['context'] = condition.Condition((*size, _EMBEDDING_CHANNELS))
    return seen

  @property
  def levels(self):
    """The L `GlowLevel`s, the finest first."""
    return self._levels

  @property
  def num_classes(self):
    return self._num_classes

  @property
  def condition_couplings(self):
    return self._condition_couplings

  @property
  def context_shape(self):
    """The shape of one image's context, or None."""
    return self._context_shape

  @property
  def conditions(self):
    own = {}
    if self.num_classes:
      own['labels'] = condition.Condition((), self.num_classes)
    if self._context_shape:
      own['context'] = condition.Condition(self._context_shape)
    # Those of a network of the user's own; what a level sees of the context is of its own form.
    parts = condition.merged(
        {name: form for name, form in part.conditions.items() if name not in own}
        for part in [*self.levels, *self.splits])
    return {**own, **parts}

  def copy(self, **changes):
    """A copy that shares the Variables, with another `name`, `reversible` or `validate_args`.

    Raises:
      ValueError: for a change of anything else, which would need other Variables.
    """
    fixed = sorted(set(changes) - {'name', 'reversible', 'validate_args'})
    if fixed:
      raise ValueError(
          f'{self.name}: a copy shares the Variables, so it cannot change {fixed[0]}; make a new '
          f'Glow. It can change name, reversible and validate_args.')
    if 'reversible' in changes:
      changes['levels'] = [
          level.copy(reversible=changes['reversible']) for level in self.levels]
    return super().copy(**changes)

  def _conditions_at(self, i, conditions):
    if not self._context_shape:
      return conditions
    return {**conditions, 'context': self._embeddings[i](conditions['context'])}


def _checked_context_shape(shape):
  if shape is None:
    return None
  shape = tuple(int(n) for n in np.atleast_1d(shape))
  if len(shape) not in (1, 3) or min(shape) < 1:
    raise ValueError(
        f'glow: context_shape must be (F,) of a vector or (h, w, c) of an image, got {shape}.')
  return shape


def _embedding(context_shape, size, seed, dtype):
  layer = context_embedding.ContextEmbedding(
      size, _EMBEDDING_CHANNELS, seed=seed, dtype=tf.as_dtype(dtype).name)
  layer.build((None, *context_shape))
  return conditioner.LayerConditioner(layer, name='context_embedding')


def _check_classes(num_classes, condition_couplings, learn_top):
  if num_classes < 0:
    raise ValueError(f'glow: num_classes must be at least 0, got {num_classes}.')
  if condition_couplings and not num_classes:
    raise ValueError('glow: condition_couplings needs num_classes, got 0.')
  if num_classes and not (learn_top or condition_couplings):
    raise ValueError(
        f'glow: of num_classes={num_classes} nothing would depend on the label; set learn_top, '
        'condition_couplings, or both.')


def _check_size(image_shape, num_levels):
  if len(image_shape) != 3:
    raise ValueError(
        f'glow: image_shape must be (height, width, channels), got {tuple(image_shape)}.')
  height, width, _ = image_shape
  if num_levels < 1:
    raise ValueError(f'glow: num_levels must be at least 1, got {num_levels}.')
  multiple = 2**num_levels
  if height % multiple or width % multiple:
    fit = lambda n: max(multiple, round(n / multiple) * multiple)
    raise ValueError(
        f'glow: {num_levels} levels need height and width to be multiples of {multiple}, '
        f'got {height} x {width}; {fit(height)} x {fit(width)} would fit, or fewer levels.')
