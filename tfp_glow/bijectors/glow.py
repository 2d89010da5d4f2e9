"""Glow: the whole multi-scale flow."""

import functools

import tensorflow as tf

from tfp_glow.bijectors import actnorm
from tfp_glow.bijectors import class_prior
from tfp_glow.bijectors import level as level_lib
from tfp_glow.bijectors import multi_scale
from tfp_glow.bijectors import split as split_lib
from tfp_glow.bijectors import squeeze
from tfp_glow.layers import conv_net
from tfp_glow.layers import label_net

__all__ = ['Glow']


class Glow(multi_scale.MultiScale):
  """The flow of Glow (Kingma & Dhariwal 2018, figure 2) from a flat latent to an image.

  L scales, each a `Squeeze` and a `GlowLevel` of K steps, with a `Split`
  between scales. The splits' priors and the top prior are affine maps in the
  bijector, so the base is a standard normal and its scale is the temperature:

      distribution = tfd.TransformedDistribution(
          tfd.Sample(tfd.Normal(0., 1.), [H * W * C]), Glow((H, W, C), ...))

  Call `initialize(images)` once before training.

  With `num_classes` it is the flow of images of a class, log p(image | label): the
  top prior has a mean and scale for each class (`ClassPrior`) and, by option, the
  couplings and the splits' priors see the label too (`layers.LabelNet`). Everything
  then needs the keyword argument `labels`, integers of the batch shape from 0 to
  `num_classes - 1`:

      distribution.log_prob(images, bijector_kwargs=dict(labels=labels))

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
    num_classes: int, 0 for a flow that knows no classes.
    condition_couplings: bool, whether the couplings, and the splits with them, see
      the label.
    seed: int, for the initial weights.
    dtype: float dtype of images, latents and Variables.
    levels, splits, top: None, or parts made before, to be used instead of new
      ones. `copy()` passes them on, so that a copy shares the Variables.

  Raises:
    ValueError: if H or W cannot be squeezed L times, an option is unknown, or classes
      are asked for and nothing would depend on them, or the other way around.
  """

  def __init__(self, image_shape, num_levels=3, depth=32, hidden_channels=512,
               coupling='affine', permutation='lu', scale_map='sigmoid', learn_top=True,
               network=None, precision='float32', reversible=False, num_classes=0,
               condition_couplings=False, seed=0, dtype=tf.float32, levels=None,
               splits=None, top=None, validate_args=False, name='glow'):
    parameters = dict(locals())
    height, width, channels = image_shape
    _check_size(height, width, num_levels)
    if depth < 1:
      raise ValueError(f'{name}: depth must be at least 1, got {depth}.')
    _check_classes(num_classes, condition_couplings, learn_top)
    with tf.name_scope(name) as name:
      if levels is None:
        if network is None:
          network = functools.partial(conv_net.ConvNet, hidden_channels=hidden_channels)
        if condition_couplings:
          network = functools.partial(
              label_net.LabelNet, network=network, num_classes=num_classes)
        levels, splits = [], []
        for i in range(num_levels):
          height, width, channels = height // 2, width // 2, channels * 4
          levels.append(level_lib.GlowLevel.trainable(
              (height, width, channels), depth, network, coupling, scale_map, permutation,
              precision, reversible, seed=seed + i * depth, dtype=dtype, name=f'level_{i}'))
          if i < num_levels - 1:
            splits.append(split_lib.Split.trainable(
                channels, dtype, f'split_{i}', num_classes if condition_couplings else 0,
                (height, width)))
            channels //= 2
        if learn_top and num_classes:
          top = class_prior.ClassPrior.trainable(num_classes, channels, dtype, name='top')
        elif learn_top:
          top = actnorm.ActNorm.trainable(channels, dtype, name='top')
      parameters.update(levels=levels, splits=splits, top=top)
      self._levels = levels
      self._num_classes = num_classes
      self._condition_couplings = condition_couplings
      super().__init__(
          image_shape, [[squeeze.Squeeze(dtype=dtype), level] for level in levels], splits,
          top, dtype, validate_args, parameters, name)

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

  def initialize(self, images, **kwargs):
    super().initialize(images, **self._with_checked_labels(images, kwargs))

  def _forward_and_log_det(self, z, **kwargs):
    return super()._forward_and_log_det(z, **self._with_checked_labels(z, kwargs))

  def _inverse_and_log_det(self, x, **kwargs):
    return super()._inverse_and_log_det(x, **self._with_checked_labels(x, kwargs))

  def _with_checked_labels(self, x, kwargs):
    if not self.num_classes:
      return kwargs
    labels = class_prior.checked_labels(
        self.name, kwargs.get('labels'), self.num_classes, tf.convert_to_tensor(x))
    return {**kwargs, 'labels': labels}

  def _condition(self, bijector, kwargs):
    condition = super()._condition(bijector, kwargs)
    if not self.num_classes:
      return condition
    labels = dict(labels=kwargs['labels'])
    if bijector is self.top:
      return labels if self.top.accepts_condition else {}
    if any(bijector is split for split in self.splits):
      return labels if self.condition_couplings else {}
    if self.condition_couplings:
      return condition
    return {name: value for name, value in condition.items() if name != 'labels'}


def _check_classes(num_classes, condition_couplings, learn_top):
  if num_classes < 0:
    raise ValueError(f'glow: num_classes must be at least 0, got {num_classes}.')
  if condition_couplings and not num_classes:
    raise ValueError('glow: condition_couplings needs num_classes, got 0.')
  if num_classes and not (learn_top or condition_couplings):
    raise ValueError(
        f'glow: of num_classes={num_classes} nothing would depend on the label; set learn_top, '
        'condition_couplings, or both.')


def _check_size(height, width, num_levels):
  if num_levels < 1:
    raise ValueError(f'glow: num_levels must be at least 1, got {num_levels}.')
  multiple = 2**num_levels
  if height % multiple or width % multiple:
    fit = lambda n: max(multiple, round(n / multiple) * multiple)
    raise ValueError(
        f'glow: {num_levels} levels need height and width to be multiples of {multiple}, '
        f'got {height} x {width}; {fit(height)} x {fit(width)} would fit, or fewer levels.')
