"""Where a visitor stands in latent space, and what the sliders make of it."""

import dataclasses

import numpy as np

from tfp_glow import latents

__all__ = ['Moves', 'Position', 'move']


@dataclasses.dataclass
class Position:
  """A visitor's pictures, kept on the server for the time of the visit.

  Attributes:
    latent: float32 array `[D]`, of the picture shown before any slider is moved.
    other: float32 array `[D]`, of the picture that was kept to blend with.
    label, other_label: ints, given which the two are decoded; None without classes.
    temperature: float, at which a sample was drawn; else that of scales drawn afresh.
    seed: int of a sample, and number: int of a test image; both None for a picture of the visitor.
    has_kept: bool, whether the visitor has kept the other picture.
    original, reconstruction: uint8 arrays `[H, W, C]`, the picture that was encoded, and what
      its latent decodes to; or None for a sample.
  """

  latent: np.ndarray
  other: np.ndarray
  label: int | None = None
  other_label: int | None = None
  temperature: float = 1.
  seed: int | None = None
  number: int | None = None
  has_kept: bool = False
  original: np.ndarray | None = None
  reconstruction: np.ndarray | None = None


@dataclasses.dataclass
class Moves:
  """The controls.

  Attributes:
    temperature: float, of a sample, and of the scales drawn afresh.
    label: int or None, the class.
    blend: float from 0 to 1, how far towards the other picture, and method: str, the path.
    scale_seeds: list of ints, one for each scale, the finest first; 0 leaves it as it is.
    strengths: dict of floats, how far along the direction of a name.
  """

  temperature: float
  label: int | None = None
  blend: float = 0.
  method: str = 'spherical'
  scale_seeds: list = dataclasses.field(default_factory=list)
  strengths: dict = dataclasses.field(default_factory=dict)

  def count(self, position):
    """How many controls have been moved."""
    values = [self.label != position.label, self.blend, *self.scale_seeds,
              *self.strengths.values()]
    return sum(map(bool, values))


def move(position, moves, latent_shapes, directions):
  """Where the controls lead: blended, then resampled, then moved.

  Args:
    position: `Position`.
    moves: `Moves`.
    latent_shapes: list of `(h, w, c)`, the finest scale first.
    directions: dict of float32 arrays `[D]` by name.

  Returns:
    The latent `[D]`, and the label given which it is decoded: that of the other picture past the
    middle of a blend.
  """
  latent = position.latent[None]
  if moves.blend:
    latent = latents.interpolate(
        latent, position.other[None], [moves.blend], moves.method)[:, 0]
  for scale, seed in enumerate(moves.scale_seeds):
    if seed:
      latent = latents.resample_scales(
          latent, latent_shapes, [scale], moves.temperature, (0, int(seed)))
  latent = np.array(latent)[0]
  for name, strength in moves.strengths.items():
    latent += np.float32(strength) * directions[name]
  return latent, moves.label if moves.blend <= 0.5 else position.other_label
