"""Writes a model as a SavedModel, whole or not at all."""

import json
import os
import shutil
import tempfile

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.runs import files
from tfp_glow.serving import class_signatures
from tfp_glow.serving import export_folder
from tfp_glow.serving import signatures as signatures_lib

__all__ = ['check_new', 'export_model']


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
  check_new(path)
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
    check_new(path)
    os.rename(temporary, path)
  except (OSError, tf.errors.OpError) as error:
    raise _cannot_write(path, error) from error
  finally:
    shutil.rmtree(temporary, ignore_errors=True)
  return path


def check_new(path):
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
