"""The image model that a config describes."""

import functools

import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.distributions import dequantization
from tfp_glow.distributions import image_model
from tfp_glow.distributions import latent_classifier
from tfp_glow.distributions import unit_cube
from tfp_glow.distributions import variational_dequantization

__all__ = ['DEQUANTIZERS', 'FLOWS', 'NETWORKS', 'build_image_model']

# The flows besides Glow, which have no fields of their own.
_TUTORIAL_FLOWS = {
    'tutorial_simple': bijectors.tutorial_simple,
    'tutorial_multi_scale': bijectors.tutorial_multi_scale,
}
FLOWS = ('glow', *_TUTORIAL_FLOWS)

# The couplings that have a size, each made from a config's `model` part.
_SIZED_COUPLINGS = {
    'mixture_logistics': lambda config: bijectors.mixture_logistics_inner(config.num_components),
    'spline': lambda config: bijectors.spline_inner(config.num_bins),
}

# The networks of Glow's couplings, each made from a config's `model` part.
NETWORKS = {
    'conv': lambda config: functools.partial(
        layers.ConvNet, hidden_channels=config.hidden_channels, actnorm=config.hidden_actnorm),
    'gated': lambda config: functools.partial(
        layers.GatedNet, hidden_channels=config.hidden_channels),
    'attention': lambda config: functools.partial(
        layers.AttentionNet, hidden_channels=config.hidden_channels),
}

# "variational" is that of the normalizing-flows tutorial, "variational_conv" a
# cheaper one with Glow's networks and half the couplings, "flow++" that of the paper
# with one small network in the place of its large one.
DEQUANTIZERS = {
    'uniform': lambda image_shape, n_bits, **_: dequantization.UniformDequantizer(n_bits),
    'variational': variational_dequantization.VariationalDequantizer.trainable,
    'variational_conv': functools.partial(
        variational_dequantization.VariationalDequantizer.trainable, num_couplings=2,
        network=functools.partial(layers.ConvNet, hidden_channels=32)),
    'flow++': functools.partial(
        variational_dequantization.VariationalDequantizer.trainable,
        inner='mixture_logistics',
        context_network=functools.partial(layers.GatedNet, 16, hidden_channels=32)),
}


def build_image_model(config, image_shape, seed=0, dtype=tf.float32):
  """Builds the `ImageModel` of a config's `model` part.

  Args:
    config: an object with the attributes that `configs/base.py` sets under
      `model`.
    image_shape: `(H, W, C)`, ints.
    seed: int, for the initial weights.
    dtype: float dtype of the flow.

  Raises:
    ValueError: for an unknown value of a field, or a size that does not fit.
  """
  if config.name == 'glow':
    network = _chosen(NETWORKS, 'network', config.network)(config)
    flow = bijectors.Glow(
        image_shape, num_levels=config.num_levels, depth=config.depth,
        coupling=_SIZED_COUPLINGS.get(config.coupling, lambda _: config.coupling)(config),
        permutation=config.permutation, conv_init=config.conv_init, scale_map=config.scale_map,
        learn_top=config.learn_top, network=network, precision=config.precision,
        reversible=config.reversible, input_limit=config.input_limit, num_classes=config.num_classes,
        condition_couplings=config.condition_couplings,
        seed=seed, dtype=dtype)
  elif config.name in _TUTORIAL_FLOWS:
    if config.num_classes:
      raise ValueError(f'model.num_classes={config.num_classes} needs model.name=glow.')
    flow = _TUTORIAL_FLOWS[config.name](image_shape, seed=seed, dtype=dtype)
  else:
    raise ValueError(f'model.name must be one of {FLOWS}, got {config.name!r}.')
  dequantizer = _chosen(DEQUANTIZERS, 'dequantization', config.dequantization)(
      image_shape, n_bits=config.n_bits, seed=seed, dtype=dtype)
  return image_model.ImageModel(
      unit_cube.flow_distribution(flow, config.logit_alpha), config.n_bits, dequantizer,
      _classifier(config, flow, dtype))


def _classifier(config, flow, dtype):
  if not config.class_weight:
    return None
  if not config.num_classes:
    raise ValueError(f'model.class_weight={config.class_weight} needs model.num_classes.')
  return latent_classifier.LatentClassifier.trainable(
      flow.latent_shapes[-1][-1], config.num_classes, dtype)


def _chosen(choices, field, name):
  if name not in choices:
    raise ValueError(f'model.{field} must be one of {tuple(choices)}, got {name!r}.')
  return choices[name]
