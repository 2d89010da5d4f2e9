"""What train.py does with the latents of a run: each a PNG in `samples/` of its workdir.

Apart from the rest of the package, which knows nothing of training.
"""

import os

import numpy as np

from tfp_glow import data
from tfp_glow import distributions
from tfp_glow.latents import directions as directions_lib
from tfp_glow.latents import interpolation
from tfp_glow.latents import labels
from tfp_glow.latents import pictures as pictures_lib
from tfp_glow import errors
from tfp_glow.training import files
from tfp_glow.training import labels as training_labels
from tfp_glow.training import metrics
from tfp_glow.training import pictures as png
from tfp_glow.training import trained

__all__ = ['find_directions', 'interpolate', 'mix', 'show_scales']

_COLUMNS = 10
_ROWS = 8
_MAX_SHOWN = 20  # Directions in the picture of --mode=directions.
_STRENGTHS = np.linspace(-1., 1., 11)  # In the picture of --mode=directions.


def interpolate(config, path, *, num_rows=None, seed=0, method='linear', per_scale=False):
  """From test images to others, along straight lines or arcs, per scale or over all scales.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_rows: int, by default 8.
    seed: int, chooses the test images.
    method: "linear" or "spherical".
    per_scale: bool, whether each scale has an arc of its own.

  Returns:
    Path of the PNG. A file that is there already is never overwritten.

  Raises:
    UserError: for arguments out of range, a model with classes, or a workdir without
      a usable checkpoint.
  """
  if method not in interpolation.METHODS:
    raise errors.UserError(
        f'--interpolation={method} must be one of {", ".join(interpolation.METHODS)}.')
  run, first, last = _pairs(config, path, num_rows, seed)
  grid = pictures_lib.LatentPictures(run.model).interpolation(
      first, last, _COLUMNS, method, per_scale)
  if not (_is_exact(run.model, first, grid[:, 0]) and _is_exact(run.model, last, grid[:, -1])):
    metrics.say('Warning: the flow does not give back all test images exactly; its inverse has '
                'lost precision (see reconstruction_error in metrics.jsonl).')
  name = f'interpolation_{method}{"_per_scale" if per_scale else ""}'
  return _save(path, f'{name}_step_{run.step}_seed_{seed}', grid)


def mix(config, path, *, num_rows=None, seed=0):
  """The coarse scales of test images with the fine ones of others; else as `interpolate`."""
  run, coarse, fine = _pairs(config, path, num_rows, seed)
  grid = pictures_lib.LatentPictures(run.model).mixing(coarse, fine)
  return _save(path, f'mix_step_{run.step}_seed_{seed}', grid)


def show_scales(config, path, *, num_samples=None, temperature=None, seed=0):
  """Samples with fresh fine latents, scale after scale; see `LatentPictures.scales`.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, by default 4.
    temperature: float, by default the config's.
    seed: int.

  Returns, raises: as `interpolate`.
  """
  num = _rows(num_samples, 4)
  temperature = config.sampling.temperature if temperature is None else temperature
  if not 0 <= temperature < float('inf'):
    raise errors.UserError(f'--temperature={temperature} must be a number of at least 0.')
  run = _load(config, path)
  grid = pictures_lib.LatentPictures(run.model).scales(num, _COLUMNS, temperature, seed)
  return _save(path, f'scales_step_{run.step}_temperature_{temperature:g}_seed_{seed}', grid)


def find_directions(config, path, *, wanted=None, num_rows=None, seed=0):
  """Directions of the data set's attributes, saved for the next export.

  Args:
    config: the run's config.
    path: str, the workdir.
    wanted: list of str or None, see `tfp_glow.latents.find_directions`.
    num_rows: int, how many test images the picture moves along each of the directions; by
      default 1.
    seed: int, chooses the test images.

  Returns:
    `(path of the .npz, path of the PNG, names)`. The .npz is replaced if it is there already.

  Raises:
    UserError: for a data set without labels, or an unknown attribute; else as `interpolate`.
  """
  run = _load(config, path)
  names = labels.attribute_names(run.source)
  if not names:
    raise errors.UserError(f'the data set {run.source.name} has no labels, so there are no '
                           f'attributes to find directions of.')
  batches = labels.labelled_batches(run.source, config.evaluation.batch_size)
  means = directions_lib.measure_means(run.model, batches, len(names))
  try:
    directions = directions_lib.find_directions(means, names, wanted)
  except ValueError as error:
    raise errors.UserError(str(error)) from error
  target = directions_lib.directions_file(path, run.step)
  with files.one_line_errors(target):
    directions_lib.save_directions(target, directions)
  images = _test_images(run.source, _rows(num_rows, 1), seed)
  pictures = pictures_lib.LatentPictures(run.model)
  grid = np.concatenate([pictures.direction(images, vector, _STRENGTHS)
                         for vector in list(directions.values())[:_MAX_SHOWN]])
  return target, _save(path, f'directions_step_{run.step}_seed_{seed}', grid), list(directions)


def _load(config, path):
  run = trained.load_trained(config, path)
  training_labels.refuse_classes(run.model, path)
  return run


def _rows(num, default):
  num = default if num is None else num
  if num < 1:
    raise errors.UserError(f'--num_samples={num} must be at least 1.')
  return num


def _pairs(config, path, num_rows, seed):
  """The run, and two times `num_rows` test images."""
  rows = _rows(num_rows, _ROWS)
  run = _load(config, path)
  images = _test_images(run.source, 2 * rows, seed)
  return run, images[:rows], images[rows:]


def _test_images(source, num, seed):
  """`num` different test images, uint8 `[num, H, W, C]`, chosen by the seed."""
  total = source.num_examples('test')
  if num > total:
    raise errors.UserError(f'{num} test images are needed, and the data set {source.name} has '
                           f'{total}; ask for fewer with --num_samples.')
  chosen = np.random.RandomState(seed).permutation(total)[:num]
  found = {}
  batches = data.eval_batches(source, batch_size=1).as_numpy_iterator()
  for index, batch in enumerate(batches):
    if index in chosen:
      found[index] = batch['image'][0]
    if len(found) == num:
      break
  return np.stack([found[index] for index in chosen])


def _is_exact(model, images, decoded):
  middle = np.full(images.shape, .5, np.float32)
  levels = model.quantize(distributions.dequantize(images, middle, model.n_bits))
  return np.array_equal(levels, decoded)


def _save(path, name, grid):
  """Writes a grid `[rows, columns, H, W, C]` as a PNG."""
  target = files.unused_name(os.path.join(path, 'samples', name + '.png'))
  rows, columns = grid.shape[:2]
  png.save_png(target, png.grid(grid.reshape([rows * columns, *grid.shape[2:]]), columns))
  return target
