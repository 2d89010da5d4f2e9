"""--mode=export: a run as a SavedModel."""

import os

from tfp_glow import errors
from tfp_glow import latents
from tfp_glow import serving
from tfp_glow.commands import class_directions
from tfp_glow.commands import latent_runs
from tfp_glow.runs import metrics
from tfp_glow.runs import trained
from tfp_glow.serving import export

__all__ = ['export_run', 'run']

_MAX_ENCODED = 20_000  # Training images up to which an export finds directions by itself.


def run(config, path):
  """A dict: `path` of what `export_run` wrote. Arguments and errors are its own."""
  return {'path': export_run(config, path)}


def export_run(config, path, exists_ok=False):
  """Exports the averaged weights of a run's newest good checkpoint.

  With labels, the directions of the data set's attributes go into the export: those that
  `--mode=directions` found for the same step or, of small data sets, all of them. There are none
  of the classes that a model is given.

  Args:
    config: the run's config.
    path: str, the workdir.
    exists_ok: bool, whether it is fine that this step is exported already.

  Returns:
    Path of the export, `<workdir>/export/<step>`, or None if it was there already.

  Raises:
    UserError: if the workdir has no checkpoint, the step is exported already, or it cannot be
      written.
  """
  loaded = trained.load_trained(config, path)
  directory = os.path.join(path, 'export')
  target = os.path.join(directory, str(loaded.step))
  if exists_ok and os.path.lexists(target):
    return None
  export.check_new(target)
  metrics.say(f'Exporting the weights of step {loaded.step}.')
  try:
    return serving.export_model(
        loaded.model, directory, loaded.step, config,
        directions=_directions(
            loaded, latents.directions_file(path, loaded.step), config.evaluation.batch_size),
        examples=serving.measure_examples(loaded.model, loaded.source),
        class_names=loaded.source.class_names if loaded.model.num_classes else None,
        trained=loaded.day)
  except errors.UserError:
    if exists_ok and os.path.lexists(target):  # Another process was faster.
      return None
    raise


def _directions(loaded, path, batch_size):
  """The directions that were found before, or those of all attributes where that is quick."""
  if os.path.lexists(path):
    try:
      return latents.load_directions(path)
    except (OSError, ValueError) as error:
      raise errors.UserError(str(error)) from error
  names = loaded.source.attribute_names
  if not names or class_directions.are_classes(loaded):
    return {}
  if loaded.source.num_examples('train') > _MAX_ENCODED:
    metrics.say('The export holds no directions: with as many images as these, find them first '
                'with --mode=directions, then export again.')
    return {}
  return latents.find_directions(latent_runs.measure_means(loaded, batch_size), names)
