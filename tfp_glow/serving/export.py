"""Writes a model as a SavedModel, whole or not at all."""

import dataclasses
import datetime
import json
import os

import tensorflow as tf

from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.runs import files
from tfp_glow.serving import class_signatures
from tfp_glow.serving import definitions
from tfp_glow.serving import export_folder
from tfp_glow.serving import manifest
from tfp_glow.serving import signatures as signatures_lib
from tfp_glow.serving import whole_folder

__all__ = ['check_new', 'export_model']


def export_model(model, directory, step, config, *, directions=None, examples=None,
                 class_names=None, trained=None):
  """Writes `<directory>/<step>/`, a SavedModel with the signatures that docs/serving.md lists.

  It is written under another name, flushed to disk and renamed, so that a server
  that watches the folder never sees half of it. What an export that was killed left
  in the folder is deleted.

  Args:
    model: an `ImageModel`.
    directory: str, made where it is missing; `~` is the user's home.
    step: int.
    config: the run's config; its `model`, `dataset` and `sampling` parts are kept in the
      export, without the path of the data.
    directions: dict of float arrays `[D]` by name, for `manipulate`.
    examples: `Examples`, for the demo page.
    class_names: list of str, a name for each class of a model that has them; by default their
      numbers.
    trained: str, the day on which the weights were trained, if it is known; for the demo page.

  Returns:
    The path, `<directory>/<step>`.

  Raises:
    UserError: if that path exists, the weights are not finite, or writing fails.
  """
  path = os.path.join(os.path.expanduser(directory), str(step))
  check_new(path)
  _check_finite(model)
  directions = directions or {}
  make = class_signatures.ClassSignatures if model.num_classes else signatures_lib.Signatures
  module = make(model, config.dataset, directions)
  try:
    with whole_folder.written_whole(path, export_folder.CONTENTS) as temporary:
      export = export_folder.Export(temporary)
      tf.saved_model.save(module, temporary, signatures=module.all())
      definitions.state_shapes(temporary, module.specs())
      names = class_names or [str(number) for number in range(model.num_classes)]
      _write_extras(export, module, step, config, directions, examples, names, trained)
      manifest.write_manifest(export.manifest_file, temporary)
      check_new(path)
  except (OSError, tf.errors.OpError) as error:
    raise errors.UserError(
        f'{path} cannot be written ({files.reason(error)}); nothing is left of it. Make room, or '
        f'choose another folder.') from error
  return path


def check_new(path):
  if os.path.lexists(path):
    raise errors.UserError(
        f'{path} exists already and is left as it is; delete it to export this step again.')


def _check_finite(model):
  for variable in model.variables:
    if variable.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(variable)):
      raise errors.UserError(f'the model cannot be exported: its weight {variable.name} is not '
                             f'finite; train again or choose an earlier checkpoint.')


def _write_extras(export, module, step, config, directions, examples, class_names, trained):
  os.makedirs(os.path.dirname(export.description_file))
  parts = json.loads(config.to_json())
  description = dict(
      format=export_folder.FORMAT, manifest=True, step=step,
      trained=trained, exported=datetime.date.today().isoformat(),
      image_shape=list(module.model.image_shape),
      latent_shapes=[list(shape) for shape in module.model.flow.latent_shapes],
      directions=list(directions), classes=list(class_names),
      limits=dataclasses.asdict(module.limits), seed=parts['seed'], model=parts['model'],
      dataset={k: v for k, v in parts['dataset'].items() if k != 'data_dir'},
      sampling=parts['sampling'])
  files.write_text(export.description_file, json.dumps(description, indent=2) + '\n')
  files.write_text(export.tensors_file, definitions.list_tensors(export.path))
  if directions:
    latents.save_directions(export.directions_file, directions)
  if examples is not None:
    examples.save(export.examples_file)
