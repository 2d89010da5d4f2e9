"""The list of an export's files, with what tells a damaged one.

    assets.extra/manifest.json   {"files": {"variables/variables.index": {"bytes": ..., "sha256": ...}}}

Files that are not on it, such as warm-up requests that were added later, may be anything.
"""

import json
import os

from tfp_glow import errors
from tfp_glow.runs import files

__all__ = ['check_files', 'write_manifest']

# Without these it is the manifest that was damaged.
_ALWAYS = ('saved_model.pb', 'variables/variables.index', 'assets.extra/model.json')


def write_manifest(path, folder):
  """Lists all files that lie below a folder, in a file there."""
  names = sorted(os.path.relpath(os.path.join(parent, name), folder)
                 for parent, _, names in os.walk(folder) for name in names)
  listed = {name: files.fingerprint(os.path.join(folder, name)) for name in names}
  files.write_text(path, json.dumps({'files': listed}, indent=2) + '\n')


def check_files(path, folder):
  """Compares a folder with its manifest.

  Raises:
    UserError: that names the first file which is missing or another one than was written, or the
      manifest, if that is none.
  """
  listed = _read(path)
  for name, written in listed.items():
    file = os.path.join(folder, name)
    try:
      found = files.fingerprint(file)
    except (OSError, ValueError) as error:
      raise _damaged(file, f'cannot be read ({files.reason(error)}), and is in '
                     f'{os.path.basename(path)}') from error
    for what, unit in (('bytes', 'bytes'), ('sha256', 'as its SHA-256')):
      if found[what] != written[what]:
        raise _damaged(file, f'was damaged: it has {found[what]} {unit}, and {written[what]} in '
                       f'{os.path.basename(path)}')


def _damaged(file, problem):
  return errors.UserError(f'{file} {problem}; copy the export again, or make it again with '
                          f'python train.py --mode=export')


def _read(path):
  """The files of a manifest by name."""
  try:
    with open(path, encoding='utf-8') as f:
      listed = json.load(f)['files']
    well_formed = set(_ALWAYS) <= set(listed) and all(
        type(file['bytes']) is int and isinstance(file['sha256'], str)
        for file in listed.values())
  except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
    raise _damaged(path, f'cannot be read ({files.reason(error)})') from error
  if not well_formed:
    raise _damaged(path, 'was damaged: it is no list of files')
  return listed
