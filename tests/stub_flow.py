"""A flow with all that training looks at and none of what takes time to trace.

The couplings of a Glow are most of what a step has to be traced for. What training does with a
model (initialise, step, average, watch, evaluate, sample, save) is the same without them.
"""

from tfp_glow import bijectors
from tfp_glow import distributions

__all__ = ['make_model']


def make_model(config, image_shape):
  """An `ImageModel` in the place of that of a config, with its bits and permutation."""
  channels = 4 * image_shape[-1]
  scale = [bijectors.Squeeze(), bijectors.ActNorm.trainable(channels),
           bijectors.InvertibleConv1x1.trainable(
               channels, parameterization=config.model.permutation, seed=config.seed)]
  flow = bijectors.MultiScale(image_shape, [scale], [])
  return distributions.ImageModel(
      distributions.flow_distribution(flow, config.model.logit_alpha), config.model.n_bits)
