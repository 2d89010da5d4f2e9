"""How far an image's latents lie from what the model expects, by scale and place."""

import math

import numpy as np

from tfp_glow.latents import blocks

__all__ = ['excess_bits', 'heat', 'mean_squares', 'shares']

_MOST = 4.  # Mean squares from here on have the last colour.
# Of mean squares 0, 1, 2 and 4: near black, blue, orange, near white.
_COLOURS = np.float32([[8, 10, 30], [40, 90, 190], [245, 150, 50], [255, 245, 220]])
_AT = np.sqrt([0., 1., 2., _MOST])


def mean_squares(latents, latent_shapes):
  """The square of each scale's latent, averaged over channels; a base of N(0, 1) expects 1.

  Args:
    latents: float array `[..., D]`.
    latent_shapes: list of `(h, w, c)`, the finest scale first.

  Returns:
    A list of arrays `[..., h, w]`, one for each scale.
  """
  ends = np.cumsum(blocks.sizes(latent_shapes))[:-1]
  return [np.square(block).reshape([*block.shape[:-1], *shape]).mean(-1)
          for block, shape in zip(np.split(latents, ends, -1), latent_shapes)]


def excess_bits(squares, latent_shapes):
  """Bits/dim by which each scale's -log2 N(z) exceeds what is expected of N(0, 1).

      (|z_i|^2 - D_i) / (2 D log 2)

  Args:
    squares: `mean_squares` of one image.
    latent_shapes: as there.

  Returns:
    A list of floats.
  """
  size = sum(blocks.sizes(latent_shapes))
  return [float(part / size * (square.mean() - 1.) / (2. * math.log(2.)))
          for part, square in zip(blocks.sizes(latent_shapes), squares)]


def shares(squares, others):
  """The share of other images whose scale is less surprising, for each scale.

  Args:
    squares: `mean_squares` of one image.
    others: `mean_squares` of M images, or None.

  Returns:
    A list of floats, or of None.
  """
  if others is None:
    return [None] * len(squares)
  return [float(np.mean(other.mean((-2, -1)) < square.mean()))
          for square, other in zip(squares, others)]


def heat(square):
  """A mean square `[h, w]` as a uint8 picture `[h, w, 3]`."""
  place = np.sqrt(np.clip(square, 0., _MOST))
  return np.stack([np.interp(place, _AT, colour) for colour in _COLOURS.T], -1).astype(np.uint8)
