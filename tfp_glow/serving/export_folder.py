"""The folder of an export: TensorFlow Serving's layout, and what lies beside the SavedModel.

    export/<step>/saved_model.pb, variables/
    export/<step>/assets.extra/model.json       what the model is, to build it again in Python
                               directions.npz   named directions in latent space
                               examples.npz     test images and their bits/dim
                               tensors.txt      signature, input or output, name, tensor in the
                                                graph: a line each, for clients of the C API
"""

import json
import os
import re

from tfp_glow import errors
from tfp_glow.latents import directions as directions_lib
from tfp_glow.runs import files
from tfp_glow.serving import examples as examples_lib

__all__ = ['Export', 'FORMAT', 'find_export', 'newest_export']

FORMAT = 1


class Export:
  """One exported step.

  Args:
    path: str, the folder with saved_model.pb in it. Nothing is read yet.
  """

  def __init__(self, path):
    self.path = path
    extra = os.path.join(path, 'assets.extra')
    self.variables_prefix = os.path.join(path, 'variables', 'variables')
    self.description_file = os.path.join(extra, 'model.json')
    self.directions_file = os.path.join(extra, 'directions.npz')
    self.examples_file = os.path.join(extra, 'examples.npz')
    self.tensors_file = os.path.join(extra, 'tensors.txt')

  def read_description(self):
    """The dict of model.json.

    Raises:
      UserError: if it cannot be read, or was made by another version of this package.
    """
    try:
      with open(self.description_file, encoding='utf-8') as f:
        description = json.load(f)
    except (OSError, ValueError) as error:
      raise errors.UserError(f'{self.path} is no complete export of tfp_glow '
                             f'({files.reason(error)}).') from error
    if description.get('format') != FORMAT:
      raise errors.UserError(
          f'{self.path} has the format {description.get("format")}, and this version of tfp_glow '
          f'reads format {FORMAT}; export it again with python train.py --mode=export')
    return description

  def read_directions(self):
    """Directions, float32 `[D]`, by name; empty if it was exported without."""
    if not os.path.exists(self.directions_file):
      return {}
    try:
      return directions_lib.load_directions(self.directions_file)
    except (OSError, ValueError) as error:
      raise errors.UserError(str(error)) from error

  def read_examples(self):
    """`Examples`, or None if it was exported without."""
    if not os.path.exists(self.examples_file):
      return None
    try:
      return examples_lib.Examples.read(self.examples_file)
    except Exception as error:  # Zip, header and pickle errors have no common base.
      raise errors.UserError(
          f'{self.examples_file} cannot be read ({files.reason(error)}).') from error


def newest_export(directory):
  """The `Export` of the greatest step in a folder of exports, or None."""
  names = os.listdir(directory) if os.path.isdir(directory) else []
  steps = [int(name) for name in names if re.fullmatch(r'\d+', name)]
  return Export(os.path.join(directory, str(max(steps)))) if steps else None


def find_export(path):
  """The export at a path.

  Args:
    path: str, an export (the folder with saved_model.pb), a folder of exports, or a workdir,
      whose newest export is taken.

  Returns:
    An `Export`.

  Raises:
    UserError: if there is none.
  """
  if os.path.exists(os.path.join(path, 'saved_model.pb')):
    return Export(path)
  found = newest_export(os.path.join(path, 'export')) or newest_export(path)
  if found is None:
    raise errors.UserError(
        f'{path} holds no export; make one with python train.py --mode=export --workdir={path}')
  return found
