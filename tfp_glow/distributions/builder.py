"""The image model that a config describes."""

import functools

import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.distributions import image_model

__all__ = ['FLOWS', 'NETWORKS', 'build_image_model']

NETWORKS = ('conv', 'gated')
FLOWS = ('glow', 'tutorial_multi_scale')


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
    if config.network == 'conv':
      network = functools.partial(
          layers.ConvNet, hidden_channels=config.hidden_channels,
          actnorm=config.hidden_actnorm)
    elif config.network == 'gated':
      network = functools.partial(layers.GatedNet, hidden_channels=config.hidden_channels)
    else:
      raise ValueError(f'model.network must be one of {NETWORKS}, got {config.network!r}.')
    flow = bijectors.Glow(
        image_shape, num_levels=config.num_levels, depth=config.depth,
        coupling=config.coupling, permutation=config.permutation,
        scale_map=config.scale_map, learn_top=config.learn_top, network=network,
        precision=config.precision, reversible=config.reversible, seed=seed, dtype=dtype)
  elif config.name == 'tutorial_multi_scale':
    flow = bijectors.tutorial_multi_scale(image_shape, seed=seed, dtype=dtype)
  else:
    raise ValueError(f'model.name must be one of {FLOWS}, got {config.name!r}.')
  return image_model.ImageModel(
      image_model.flow_distribution(flow, config.logit_alpha, dtype), config.n_bits)
