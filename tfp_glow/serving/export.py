"""Writes a model as a SavedModel, whole or not at all."""

import json
import os
import shutil
import tempfile

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfp_glow import latents
from tfp_glow.latents import labels
from tfp_glow.serving import class_signatures
from tfp_glow.serving import examples as examples_lib
from tfp_glow.serving import export_folder
from tfp_glow.serving import signatures as signatures_lib
from tfp_glow import errors
from tfp_glow.training import files
from tfp_glow.training import metrics
from tfp_glow.training import trained

__all__ = ['export_model', 'export_run']

_BATCH_SIZE = 64  # For encoding the training images.
_MAX_ENCODED = 20_000  # Training images up to which an export finds directions by itself.


def export_run(config, path, exists_ok=False):
  """Exports the averaged weights of a run's newest good checkpoint.

  With labels, the directions of the data set's attributes go into the export: those that
  `--mode=directions` found for the same step or, of small data sets, all of them. A model with
  classes has none.

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
  run = trained.load_trained(config, path)
  directory = os.path.join(path, 'export')
  target = os.path.join(directory, str(run.step))
  if exists_ok and os.path.exists(target):
    return None
  _check_new(target)
  if run.model.num_classes:
    return export_model(run.model, directory, run.step, config)
  return export_model(
      run.model, directory, run.step, config,
      directions=_directions(run, latents.directions_file(path, run.step)),
      examples=examples_lib.measure_examples(run.model, run.source))


def export_model(model, directory, step, config, *, directions=None, examples=None):
  """Writes `<directory>/<step>/`, a SavedModel with the signatures that the README lists.

  It is written under another name, flushed to disk and renamed, so that a server
  that watches the folder never sees half of it.

  Args:
    model: an `ImageModel`.
    directory: str, made where it is missing.
    step: int.
    config: the run's config; its `model`, `dataset` and `sampling` parts are kept in the
      export, without the path of the data.
    directions: dict of float arrays `[D]` by name, for `manipulate`.
    examples: `Examples`, for the demo page.

  Returns:
    The path, `<directory>/<step>`.

  Raises:
    UserError: if that path exists, the weights are not finite, or writing fails.
  """
  path = os.path.join(directory, str(step))
  _check_new(path)
  _check_finite(model)
  directions = directions or {}
  make = class_signatures.ClassSignatures if model.num_classes else signatures_lib.Signatures
  module = make(model, config.dataset, directions)
  try:
    os.makedirs(directory, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=f'.{step}-', dir=directory)
  except OSError as error:
    raise _cannot_write(path, error) from error
  try:
    tf.saved_model.save(module, temporary, signatures=module.all())
    _write_extras(export_folder.Export(temporary), model, step, config, directions, examples)
    _flush(temporary)
    os.chmod(temporary, 0o755)
    _check_new(path)
    os.rename(temporary, path)
  except (OSError, tf.errors.OpError) as error:
    raise _cannot_write(path, error) from error
  finally:
    shutil.rmtree(temporary, ignore_errors=True)
  return path


def _check_new(path):
  if os.path.exists(path):
    raise errors.UserError(
        f'{path} exists already and is left as it is; delete it to export this step again.')


def _check_finite(model):
  for variable in model.variables:
    if variable.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(variable)):
      raise errors.UserError(f'the model cannot be exported: its weight {variable.name} is not '
                             f'finite; train again or choose an earlier checkpoint.')


def _cannot_write(path, error):
  return errors.UserError(f'{path} cannot be written ({files.reason(error)}); nothing is left of '
                          f'it. Make room, or choose another folder.')


def _write_extras(export, model, step, config, directions, examples):
  os.makedirs(os.path.dirname(export.description_file))
  parts = json.loads(config.to_json())
  description = dict(
      format=export_folder.FORMAT, step=step, image_shape=list(model.image_shape),
      latent_shapes=[list(shape) for shape in model.flow.latent_shapes],
      directions=list(directions), seed=parts['seed'], model=parts['model'],
      dataset={k: v for k, v in parts['dataset'].items() if k != 'data_dir'},
      sampling=parts['sampling'])
  files.write_text(export.description_file, json.dumps(description, indent=2) + '\n')
  files.write_text(export.tensors_file, _tensors(export.path))
  if directions:
    latents.save_directions(export.directions_file, directions)
  if examples is not None:
    examples.save(export.examples_file)


def _tensors(path):
  """Lines `signature inputs|outputs name tensor` of the signatures as they were saved."""
  saved_model = saved_model_pb2.SavedModel()
  with open(os.path.join(path, 'saved_model.pb'), 'rb') as f:
    saved_model.ParseFromString(f.read())
  signatures = saved_model.meta_graphs[0].signature_def
  return ''.join(
      f'{signature} {side} {name} {tensors[name].name}\n'
      for signature in sorted(signatures) if not signature.startswith('_')
      for side, tensors in (('inputs', signatures[signature].inputs),
                            ('outputs', signatures[signature].outputs))
      for name in sorted(tensors))


def _flush(path):
  """Waits until all files below a folder are on disk."""
  for folder, _, names in os.walk(path):
    for target in [folder, *(os.path.join(folder, name) for name in names)]:
      descriptor = os.open(target, os.O_RDONLY)
      try:
        os.fsync(descriptor)
      finally:
        os.close(descriptor)


def _directions(run, path):
  """The directions that were found before, or those of all attributes where that is quick."""
  if os.path.exists(path):
    try:
      return latents.load_directions(path)
    except (OSError, ValueError) as error:
      raise errors.UserError(str(error)) from error
  names = labels.attribute_names(run.source)
  if not names:
    return {}
  if run.source.num_examples('train') > _MAX_ENCODED:
    metrics.say('The export holds no directions: with as many images as these, find them first '
                'with --mode=directions, then export again.')
    return {}
  batches = latents.labelled_batches(run.source, _BATCH_SIZE)
  return latents.find_directions(latents.measure_means(run.model, batches, len(names)), names)
