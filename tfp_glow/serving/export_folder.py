"""The folder of an export: TensorFlow Serving's layout, and what lies beside the SavedModel.

    export/<step>/saved_model.pb, variables/
    export/<step>/assets.extra/model.json       what the model is, to build it again in Python
                               directions.npz   named directions in latent space
                               examples.npz     test images, their labels and bits/dim
                               tensors.txt      signature, input or output, name, tensor in the
                                                graph: a line each, for clients of the C API
                               manifest.json    size and SHA-256 of all these files
"""

import json
import os
import re

from tfp_glow import errors
from tfp_glow.latents import directions as directions_lib
from tfp_glow.runs import files
from tfp_glow.serving import examples as examples_lib
from tfp_glow.serving import manifest

__all__ = ['CONTENTS', 'Export', 'FORMAT', 'find_export', 'newest_export']

FORMAT = 1
# What lies in the folder of an export, all of it or the beginning.
CONTENTS = ('assets', 'assets.extra', 'fingerprint.pb', 'saved_model.pb', 'variables')


class Export:
  """One exported step.

  Args:
    path: str, the folder with saved_model.pb in it. Nothing is read yet.
  """

  def __init__(self, path):
    self.path = path
    extra = os.path.join(path, 'assets.extra')
    self.saved_model_file = os.path.join(path, 'saved_model.pb')
    self.variables_prefix = os.path.join(path, 'variables', 'variables')
    self.description_file = os.path.join(extra, 'model.json')
    self.directions_file = os.path.join(extra, 'directions.npz')
    self.examples_file = os.path.join(extra, 'examples.npz')
    self.tensors_file = os.path.join(extra, 'tensors.txt')
    self.manifest_file = os.path.join(extra, 'manifest.json')

  def exists(self):
    """Whether there is any trace of one."""
    return os.path.exists(self.saved_model_file) or os.path.exists(self.description_file)

  def check_files(self):
    """Compares every file with what was written; of version 0.1 there is nothing to compare with.

    Raises:
      UserError: that names the first file which is damaged or missing.
    """
    # A damaged model.json can say nothing about the manifest, but the manifest about it.
    if os.path.exists(self.manifest_file) or self.read_description().get('manifest'):
      manifest.check_files(self.manifest_file, self.path)

  def read_description(self):
    """The dict of model.json.

    Raises:
      UserError: if it cannot be read, or was made by another version of this package.
    """
    try:
      with open(self.description_file, encoding='utf-8') as f:
        description = json.load(f)
    except (OSError, RecursionError, ValueError) as error:
      raise errors.UserError(f'{self.path} is no complete export of tfp_glow: '
                             f'{self.description_file}: {files.reason(error)}.') from error
    found = description.get('format') if isinstance(description, dict) else None
    if found != FORMAT:
      raise errors.UserError(
          f'{self.description_file} has the format {found}, and this version of tfp_glow '
          f'reads format {FORMAT}; export it again with python train.py --mode=export')
    for field, (is_valid, wanted) in _FIELDS.items():
      value = description.get(field)
      if not is_valid(value):
        raise errors.UserError(f'{self.description_file} is damaged: its {field} must be {wanted}, '
                               f'and is {json.dumps(value)[:100]}.')
    return description

  def read_directions(self):
    """Directions, float32 `[D]`, by name; empty if it was exported without.

    Raises:
      UserError: if they are not those that model.json names.
    """
    description = self.read_description()
    names = description['directions']
    if not names and not os.path.exists(self.directions_file):
      return {}
    try:
      directions = directions_lib.load_directions(self.directions_file)
    except (OSError, ValueError) as error:
      raise self._cannot_read(self.directions_file, error) from error
    size = _size(description)
    if list(directions) != names or any(x.shape != (size,) for x in directions.values()):
      raise errors.UserError(f'{self.directions_file} does not hold the directions that model.json '
                             f'names, of {size} numbers each.')
    return directions

  def read_examples(self):
    """`Examples`, or None if it was exported without.

    Raises:
      UserError: if they cannot be read or are no images of the model's shape.
    """
    if not os.path.exists(self.examples_file):
      return None
    shape = self.read_description()['image_shape']
    try:
      return examples_lib.Examples.read(self.examples_file, shape)
    except Exception as error:  # Zip, header and pickle errors have no common base.
      raise self._cannot_read(self.examples_file, error) from error

  def _cannot_read(self, path, error):
    reason = files.reason(error)
    return errors.UserError(reason if path in reason else f'{path} cannot be read ({reason}).')


def newest_export(directory):
  """The `Export` of the greatest step in a folder of exports, or None."""
  names = os.listdir(directory) if os.path.isdir(directory) else []
  steps = [name for name in names if re.fullmatch(r'\d+', name)]
  return Export(os.path.join(directory, max(steps, key=int))) if steps else None


def find_export(path):
  """The export at a path.

  Args:
    path: str, an export (the folder with saved_model.pb), a folder of exports, or a workdir,
      whose newest export is taken. `~` is the user's home.

  Returns:
    An `Export`.

  Raises:
    UserError: if there is none.
  """
  path = os.path.expanduser(path)
  if Export(path).exists():
    return Export(path)
  found = newest_export(os.path.join(path, 'export')) or newest_export(path)
  if found is None:
    raise errors.UserError(
        f'{path} holds no export; make one with python train.py --mode=export --workdir={path}')
  return found


def _is_int(value):
  return type(value) is int


def _is_shape(value):
  return isinstance(value, list) and len(value) == 3 and all(
      _is_int(size) and size >= 1 for size in value)


def _is_names(value):
  return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_temperature(value):
  return isinstance(value, (int, float)) and not isinstance(value, bool) and 0. <= value < 1e38


# What the package itself reads of a description, what it may be, and that in words.
_FIELDS = {
    'step': (_is_int, 'an integer'),
    'seed': (_is_int, 'an integer'),
    'image_shape': (_is_shape, 'a list of three integers'),
    'latent_shapes': (lambda value: isinstance(value, list) and all(map(_is_shape, value)),
                      'a list of lists of three integers'),
    'directions': (_is_names, 'a list of strings'),
    # Version 0.1 had none.
    'classes': (lambda value: value is None or _is_names(value), 'a list of strings'),
    'model': (lambda value: isinstance(value, dict), 'an object'),
    'dataset': (lambda value: isinstance(value, dict), 'an object'),
    'sampling': (lambda value: isinstance(value, dict) and _is_temperature(
        value.get('temperature')), 'an object with a temperature of at least 0'),
}


def _size(description):
  height, width, channels = description['image_shape']
  return height * width * channels
