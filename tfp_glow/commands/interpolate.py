"""--mode=interpolate: paths in latent space from test images to others."""

import numpy as np

from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.commands import latent_runs
from tfp_glow.commands import run_pictures
from tfp_glow.latents import interpolation as interpolation_lib
from tfp_glow.runs import metrics

__all__ = ['run']

_COLUMNS = 10


def run(config, path, num_samples=None, seed=0, interpolation='linear', per_scale=False):
  """From test images to others, along straight lines or arcs, per scale or over all scales.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, rows, by default 8.
    seed: int, chooses the test images.
    interpolation: "linear" or "spherical".
    per_scale: bool, whether each scale has an arc of its own.

  Returns:
    A dict: `path` of the PNG; of a model with classes `labels`, a pair of names for each row, the
    second of which what lies nearer to the other image is decoded given. A file that is there
    already is never overwritten.

  Raises:
    UserError: for arguments out of range, or a workdir without a usable checkpoint.
  """
  if interpolation not in interpolation_lib.METHODS:
    raise errors.UserError(f'--interpolation={interpolation} must be one of '
                           f'{", ".join(interpolation_lib.METHODS)}.')
  loaded, first, last = latent_runs.load_with_pairs(config, path, num_samples, seed)
  run_pictures.check_size(len(first.images) * _COLUMNS, loaded.model.image_shape)
  grid = latents.LatentPictures(loaded.model, config.evaluation.batch_size).interpolation(
      first.images, last.images, _COLUMNS, interpolation, per_scale, labels=first.labels,
      other_labels=last.labels)
  if not (_is_exact(loaded.model, first.images, grid[:, 0])
          and _is_exact(loaded.model, last.images, grid[:, -1])):
    metrics.say('Warning: the flow does not give back all test images exactly; its inverse has '
                'lost precision (see reconstruction_error in metrics.jsonl).')
  name = f'interpolation_{interpolation}{"_per_scale" if per_scale else ""}'
  name += f'_step_{loaded.step}_{run_pictures.in_name(seed)}'
  return {'path': run_pictures.save_grid(path, name, grid),
          **latent_runs.names_of_pairs(loaded, first, last)}


def _is_exact(model, images, decoded):
  middle = np.full(images.shape, .5, np.float32)
  levels = model.quantize(distributions.dequantize(images, middle, model.n_bits))
  return np.array_equal(levels, decoded)
