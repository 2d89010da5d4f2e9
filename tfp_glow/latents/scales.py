"""What each scale holds: latents with the scales of two images, or with fresh ones."""

import tensorflow as tf

from tfp_glow.distributions import random
from tfp_glow.latents import blocks

__all__ = ['mix_scales', 'resample_scales']


def mix_scales(coarse, fine, latent_shapes, num_coarse):
  """Latents with the coarse scales of one image and the fine ones of another.

  Args:
    coarse, fine: float Tensors `[..., D]`.
    latent_shapes: the flow's `latent_shapes`, the finest first.
    num_coarse: int from 0 to L, how many of the coarsest scales come from `coarse`.

  Raises:
    ValueError: for another `num_coarse`, or latents of another size.
  """
  num_scales = len(latent_shapes)
  if not 0 <= num_coarse <= num_scales:
    raise ValueError(f'num_coarse must lie between 0 and {num_scales}, the number of scales, '
                     f'got {num_coarse}.')
  coarse = blocks.split(tf.convert_to_tensor(coarse), latent_shapes)
  fine = blocks.split(tf.convert_to_tensor(fine), latent_shapes)
  return tf.concat([*fine[:num_scales - num_coarse], *coarse[num_scales - num_coarse:]], -1)


def resample_scales(latents, latent_shapes, scales, temperature=1., seed=(0, 0)):
  """Latents with some scales drawn afresh.

  Args:
    latents: float Tensor `[N, D]`.
    latent_shapes: the flow's `latent_shapes`, the finest first.
    scales: list of ints, those to draw, 0 being the finest.
    temperature: float, standard deviation of what is drawn.
    seed: two ints of 64 bits. A scale's numbers depend on the seed and the scale alone.

  Raises:
    ValueError: for scales that do not exist, or latents of another size.
  """
  scales = blocks.check_scales(scales, latent_shapes)
  seed = tf.cast(seed, tf.int64)
  result = []
  for i, block in enumerate(blocks.split(tf.convert_to_tensor(latents), latent_shapes)):
    if i in scales:
      block_seed = tf.random.experimental.stateless_fold_in(seed, i, alg='philox')
      block = tf.cast(temperature * random.normal(tf.shape(block), block_seed), block.dtype)
    result.append(block)
  return tf.concat(result, -1)
