"""--mode=directions: directions in latent space that attributes of the images have."""

import numpy as np

from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.commands import arguments
from tfp_glow.commands import class_directions
from tfp_glow.commands import latent_runs
from tfp_glow.commands import run_pictures
from tfp_glow.runs import files
from tfp_glow.runs import trained

__all__ = ['run']

_MAX_SHOWN = 20  # Directions in the picture.
_STRENGTHS = np.linspace(-1., 1., 11)


def run(config, path, directions=None, num_samples=None, seed=0):
  """Directions of the data set's attributes, saved for the next export.

  To a model that is given its images' class, and whose data set has no other attributes, the
  label is what directions would be: nothing is saved then, and the picture shows test images as
  other classes, see `class_directions.show`.

  Args:
    config: the run's config.
    path: str, the workdir.
    directions: list of str or None, see `tfp_glow.latents.find_directions`.
    num_samples: int, how many test images the picture moves along each of the directions;
      by default 1, or 8 as other classes.
    seed: int, chooses the test images.

  Returns:
    A dict: `path` of the PNG; `directions`, the path of the .npz, which is replaced if it is
    there already; `names`. Of classes: `path` and `labels`.

  Raises:
    UserError: for a data set without labels, an unknown attribute, other arguments out of
      range, or a workdir without a usable checkpoint.
  """
  if directions is not None and not directions:
    raise errors.UserError('--directions= names none; leave it out for all of them.')
  loaded = trained.load_trained(config, path)
  is_of_classes = class_directions.are_classes(loaded)
  num = arguments.count_of('num_samples', num_samples, latent_runs.ROWS if is_of_classes else 1)
  if is_of_classes:
    return class_directions.show(
        loaded, path, directions, num, seed, config.evaluation.batch_size)
  names = loaded.source.attribute_names
  if not names:
    raise errors.UserError(f'the data set {loaded.source.name} has no labels, so there are no '
                           f'attributes to find directions of.')
  chosen = latent_runs.choose_images(loaded.source, num, seed)
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
  grid = np.concatenate([pictures.direction(chosen.images, vector, _STRENGTHS, chosen.labels)
                         for vector in list(found.values())[:_MAX_SHOWN]])
  name = f'directions_step_{loaded.step}_{run_pictures.in_name(seed)}'
  return {'path': run_pictures.save_grid(path, name, grid), 'directions': target,
          'names': list(found)}
