"""The walls of pictures from which a visitor picks one."""

import numpy as np

from tfp_glow.demo import markup

__all__ = ['FEWEST', 'Walls']

FEWEST = 20  # Test images from which shares of them are told.
_COLUMNS = 10
_ROWS = 3
# Numbers in the images of a wall, and of the test images that are read at the start.
_MAX_NUMBERS = 2**19


class Walls:
  """Samples and test images as HTML, each cell with the query of its address.

  With classes each column is a class, and each row a latent decoded given every one of them.

  Args:
    model: a `ServedModel`.

  Attributes:
    test_images: uint8 array `[M, H, W, C]`, empty without any.
    num_seeds: int, samples that a wall shows.
  """

  def __init__(self, model):
    self._model = model
    most = max(1, _MAX_NUMBERS // model.latent_size)
    self._columns = min(len(model.classes) or _COLUMNS, _COLUMNS, most)
    rows = min(_ROWS, max(1, most // self._columns))
    self.num_seeds = rows if model.classes else rows * self._columns
    images = [] if model.examples is None else model.examples.images
    self.test_images = images[:most]

  def samples(self, first_seed):
    """The wall of samples from a seed on, at the model's temperature."""
    model = self._model
    seeds = range(first_seed, first_seed + self.num_seeds)
    latents = np.stack([model.sample_latent(model.temperature, seed) for seed in seeds])
    if not model.classes:
      images = model.decode_all(latents)
      return markup.wall([(f'seed={seed}', image, f'Sample {seed}')
                          for seed, image in zip(seeds, images)], self._columns)
    labels = list(range(self._columns))
    names = [model.classes[label] for label in labels]
    images = model.decode_all(
        np.repeat(latents, self._columns, 0), labels * self.num_seeds)
    places = [(seed, label) for seed in seeds for label in labels]
    return markup.wall(
        [(f'seed={seed}&amp;class={label}', image, f'Sample {seed}, class {names[label]}')
         for (seed, label), image in zip(places, images)], self._columns, names)

  def tests(self):
    """The wall of the first test images."""
    labels = self._model.examples.labels
    cells = []
    for number, image in enumerate(self.test_images[:_ROWS * _COLUMNS]):
      name = '' if labels is None or not self._model.classes else (
          f', class {self._model.classes[labels[number]]}')
      cells.append((f'image={number}', image, f'Test image {number}{name}'))
    return markup.wall(cells, _COLUMNS)

  def test_latents(self):
    """Latents `[M, D]` of the test images, with classes given the likeliest."""
    labels = None
    if self._model.classes:
      labels = self._model.class_log_probs(self.test_images).argmax(-1)
    return self._model.encode_all(self.test_images, labels)
