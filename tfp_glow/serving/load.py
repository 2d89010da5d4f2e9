"""A trained model back in Python."""

import os

import tensorflow as tf

from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow.runs import checkpoint
from tfp_glow.runs import config_versions
from tfp_glow.runs import files
from tfp_glow.runs import metrics
from tfp_glow.runs import trained
from tfp_glow.runs import workdir as workdir_lib
from tfp_glow.serving import export_folder

__all__ = ['load']


def load(path):
  """A trained model, from a run's workdir or from an export.

      model = tfp_glow.load('runs/mnist5k')
      model.sample(16, temperature=0.7, seed=(0, 1))    # uint8 [16, H, W, C]
      model.distribution.log_prob(x)                    # a tfd.TransformedDistribution
      model.trainable_variables                         # to train on

  Args:
    path: str, in which `~` is the user's home. Of a workdir, the averaged weights of the newest
      checkpoint are taken, or its newest export where there is no later checkpoint: that needs no
      data set. Otherwise an export (the folder with saved_model.pb) or a folder of exports.

  Returns:
    An `ImageModel`, its Variables trainable, made in the strategy scope of the caller.

  Raises:
    UserError: in one line, if there is no trained model at the path or it cannot be read.
    UserError: if the data set of a run of version 0.1 without an export cannot be had, whose
      images' shape is needed.
  """
  path = os.path.expanduser(path)
  if not os.path.isdir(path):
    raise errors.UserError(f'{path} is no folder; give a workdir or an export.')
  workdir = workdir_lib.Workdir(path)
  if not workdir.has_config:
    return _load_export(export_folder.find_export(path))
  export = export_folder.newest_export(os.path.join(path, 'export'))
  store = checkpoint.CheckpointStore(workdir.checkpoints, metrics.say)
  _, info = next(store.usable(), (None, None))
  if export is not None and (info is None or
                             export.read_description()['step'] >= trained.step_of(info)):
    return _load_export(export)
  return trained.load_model(path)


def _load_export(export):
  export.check_files()
  description = export.read_description()
  config = config_versions.complete(
      description, export.description_file, parts=('model', 'seed'))
  try:
    model = distributions.build_image_model(
        config.model, tuple(description['image_shape']), config.seed)
    folder, name = os.path.split(export.variables_prefix)
    with files.plain_path(folder) as folder:
      saved = tf.train.Checkpoint(model=model).read(os.path.join(folder, name))
    saved.assert_existing_objects_matched()
  # What a damaged export of version 0.1, which has no manifest, makes of the model can be anything.
  except Exception as error:
    raise errors.UserError(f'{export.path} cannot be loaded ({files.reason(error)}); it was '
                           f'damaged, or made by another version of tfp_glow.') from error
  return model
