"""--mode=directions: directions in latent space that attributes of the images have."""

import numpy as np

from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.commands import arguments
from tfp_glow.commands import latent_runs
from tfp_glow.commands import run_pictures
from tfp_glow.runs import files

__all__ = ['run']

_MAX_SHOWN = 20  # Directions in the picture.
_STRENGTHS = np.linspace(-1., 1., 11)


def run(config, path, directions=None, num_samples=None, seed=0):
  """Directions of the data set's attributes, saved for the next export.

  Args:
    config: the run's config.
    path: str, the workdir.
    directions: list of str or None, see `tfp_glow.latents.find_directions`.
    num_samples: int, how many test images the picture moves along each of the directions;
      by default 1.
    seed: int, chooses the test images.

  Returns:
    A dict: `path` of the PNG; `directions`, the path of the .npz, which is replaced if it is
    there already; `names`.

  Raises:
    UserError: for a data set without labels, an unknown attribute, other arguments out of
      range, a model with classes, or a workdir without a usable checkpoint.
  """
  num = arguments.count_of('num_samples', num_samples, 1)
  if directions is not None and not directions:
    raise errors.UserError('--directions= names none; leave it out for all of them.')
  loaded = latent_runs.load(config, path)
  names = loaded.source.attribute_names
  if not names:
    raise errors.UserError(f'the data set {loaded.source.name} has no labels, so there are no '
                           f'attributes to find directions of.')
  images = latent_runs.choose_images(loaded.source, num, seed)
  run_pictures.check_size(num * _MAX_SHOWN * len(_STRENGTHS), loaded.model.image_shape)
  means = latent_runs.measure_means(loaded, config.evaluation.batch_size)
  try:
    found = latents.find_directions(means, names, directions)
  except ValueError as error:
    raise errors.UserError(str(error)) from error
  target = latents.directions_file(path, loaded.step)
  with files.one_line_errors(target):
    latents.save_directions(target, found)
  pictures = latents.LatentPictures(loaded.model, config.evaluation.batch_size)
  grid = np.concatenate([pictures.direction(images, vector, _STRENGTHS)
                         for vector in list(found.values())[:_MAX_SHOWN]])
  picture = run_pictures.save_grid(path, f'directions_step_{loaded.step}_{run_pictures.in_name(seed)}', grid)
  return {'path': picture, 'directions': target, 'names': list(found)}
