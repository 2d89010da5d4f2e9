"""What a model puts in the place of a half that was erased."""

import numpy as np

__all__ = ['HALVES', 'MAX_SIZE', 'complete', 'mask']

HALVES = ('left', 'right', 'top', 'bottom')
MAX_SIZE = 3072  # D up to which a completion takes about a second.
_STEPS = 24
_CHAINS = 8
_KEPT = 4
_NOISE = 0.9, 0.2  # Share of the latent that is fresh noise, in the first step and the last.
_TEMPERATURE = 0.5  # Of that noise.
_LARGEST = 1.5  # Latents are cut here, which smooths the seam.


def mask(half, image_shape):
  """Where an image is kept when a half of `HALVES` is erased, bool `[H, W, 1]`."""
  height, width, _ = image_shape
  kept = np.ones([height, width, 1], bool)
  rows, columns = {
      'left': (slice(None), slice(width // 2)), 'right': (slice(None), slice(width // 2, None)),
      'top': (slice(height // 2), slice(None)), 'bottom': (slice(height // 2, None), slice(None)),
  }[half]
  kept[rows, columns] = False
  return kept


def complete(model, image, kept, label=None, seed=0):
  """Images that agree with a part of one, and that the model finds likely where they do not.

      x = the image where it is kept;  z = encode(x);  z = sqrt(1 - s^2) z + s t e;  x = decode(z)

  over and over, s falling from 0.9 to 0.2, so that what is chosen early is coarse and what is
  chosen late is fine; e is drawn from N(0, I). Of 8 such chains the 4 likeliest are returned. They
  are no draws from p(rest | kept): nothing corrects for the steps. It takes 24 encodings and
  decodings of 8 images, and no gradient.

  Args:
    model: a `ServedModel`.
    image: uint8 array `[H, W, C]`.
    kept: bool array `[H, W, 1]`.
    label: int, given which the model completes it; None without classes.
    seed: int.

  Returns:
    uint8 array `[4, H, W, C]`, and its bits/dim `[4]`, given the label; the likeliest first.
  """
  random = np.random.RandomState(seed)
  normal = lambda: random.standard_normal([_CHAINS, model.latent_size]).astype(np.float32)
  labels = None if label is None else [label] * _CHAINS
  noise = np.geomspace(*_NOISE, _STEPS).astype(np.float32)
  images = model.decode_all(_TEMPERATURE * normal(), labels)
  for step, s in enumerate(noise):
    latents = model.encode_all(np.where(kept, image, images), labels, step)
    latents = np.clip(latents, -_LARGEST, _LARGEST)
    latents = np.sqrt(1. - s * s) * latents + s * np.float32(_TEMPERATURE) * normal()
    images = model.decode_all(latents, labels)
  images = np.where(kept, image, images)
  bits = model.bits_per_dim_given(images, labels)
  likeliest = np.argsort(bits)[:_KEPT]
  return images[likeliest], bits[likeliest]
