"""The flat latent as one flat block for each scale."""

import math

import tensorflow as tf

__all__ = ['check_scales', 'sizes', 'split']


def sizes(latent_shapes):
  """Length of each scale's block, the finest first."""
  return [math.prod(shape) for shape in latent_shapes]


def split(latents, latent_shapes):
  """Tensors `[..., size]` of the scales of latents `[..., D]`.

  Raises:
    ValueError: for latents of another size.
  """
  if latents.shape[-1] != sum(sizes(latent_shapes)):
    raise ValueError(f'latents of the scales {latent_shapes} have {sum(sizes(latent_shapes))} '
                     f'elements, got the shape {latents.shape}.')
  return tf.split(latents, sizes(latent_shapes), axis=-1)


def check_scales(scales, latent_shapes):
  """`scales`, or all of them for None.

  Raises:
    ValueError: for a scale that does not exist.
  """
  every = range(len(latent_shapes))
  scales = list(every if scales is None else scales)
  if not set(scales) <= set(every):
    raise ValueError(f'the scales are 0 (the finest) to {len(latent_shapes) - 1}, got {scales}.')
  return scales
