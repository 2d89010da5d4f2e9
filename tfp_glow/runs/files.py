"""Writing files whole or not at all, and errors about them in one line."""

import contextlib
import hashlib
import json
import os
import re
import tempfile

import tensorflow as tf

from tfp_glow import errors

__all__ = ['fingerprint', 'flush', 'one_line_errors', 'plain_path', 'read_record', 'reason',
           'unused_name', 'written_whole', 'write_record', 'write_text']


@contextlib.contextmanager
def written_whole(path):
  """A temporary name for a file, renamed to `path` at the end and deleted where that fails.

  Args:
    path: str. An older file of that name stays as it is until then.

  Yields:
    str, the name to write under.

  Raises:
    OSError: if it cannot be renamed.
  """
  temporary = f'{path}.tmp'
  try:
    yield temporary
    os.replace(temporary, path)
  except BaseException:  # Of Ctrl-C nothing is left either.
    with contextlib.suppress(OSError):
      os.remove(temporary)
    raise


def write_text(path, text):
  """Writes a text file, whole or not at all, and waits until it is on disk.

  Raises:
    OSError: if it cannot be written; an older file of that name is then intact.
  """
  with written_whole(path) as temporary:
    with open(temporary, 'w', encoding='utf-8') as f:
      f.write(text)
      f.flush()
      os.fsync(f.fileno())


def flush(path):
  """Waits until a file or a folder's list of names is on disk."""
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def fingerprint(path):
  """A dict of a file's size in `bytes` and its `sha256`, as JSON holds them.

  Raises:
    OSError: if it cannot be read.
  """
  digest, size = hashlib.sha256(), 0
  with open(path, 'rb') as f:
    while block := f.read(2**20):
      digest.update(block)
      size += len(block)
  return {'bytes': size, 'sha256': digest.hexdigest()}


def write_record(path, record, indent=None):
  """Writes a dict as JSON, with its own SHA-256.

  Args:
    path: str.
    record: dict that JSON can hold.
    indent: int, for a file that people read, or None.

  Raises:
    OSError: as `write_text`.
  """
  write_text(path, json.dumps({**record, 'sha256': _digest(record)}, indent=indent) + '\n')


def read_record(path):
  """A dict that `write_record` wrote, or version 0.1, which added no SHA-256.

  Raises:
    OSError: if it cannot be read.
    ValueError: if it was damaged.
  """
  try:
    with open(path, encoding='utf-8') as f:
      record = json.load(f)
  except RecursionError as error:
    raise ValueError('it is nested too deeply') from error
  if not isinstance(record, dict):
    raise ValueError('it holds no record')
  if 'sha256' in record and record.pop('sha256') != _digest(record):
    raise ValueError('it does not match its SHA-256')
  return record


def _digest(record):
  """SHA-256 of what a record says, whatever the order and spacing of its JSON."""
  return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def unused_name(path):
  """`path`, or with `_2`, `_3`, ... before its extension if it exists already."""
  stem, extension = os.path.splitext(path)
  number, candidate = 1, path
  while os.path.lexists(candidate):
    number += 1
    candidate = f'{stem}_{number}{extension}'
  return candidate


@contextlib.contextmanager
def plain_path(folder):
  """A path of a folder in which TensorFlow finds no pattern.

  Its checkpoint and SavedModel readers look for their files as if names were patterns, so that
  those in a folder `br[1]ack` are not there for them.

  Args:
    folder: str.

  Yields:
    The folder itself or, if its path has such characters, a link to it for this long.

  Raises:
    OSError: if the link cannot be made.
  """
  if not re.search(r'[*?\[]' if os.sep == '\\' else r'[*?\[\\]', folder):
    yield folder
    return
  with tempfile.TemporaryDirectory() as temporary:
    link = os.path.join(temporary, 'folder')
    os.symlink(os.path.abspath(folder), link)
    yield link


def reason(error):
  """One line that says what an exception is about."""
  text = getattr(error, 'strerror', None) or getattr(error, 'message', None) or str(error)
  if getattr(error, 'filename2', None):  # What a file was to become, with what is in the way.
    text = f'{text}: {error.filename2}'
  # TensorFlow puts the Python stack of the failed op before its message, indented.
  lines = [line for line in str(text).splitlines()
           if line.strip() and not line.startswith((' ', '\t', 'Graph execution', 'Detected at'))]
  line = (lines or [type(error).__name__])[0]
  return re.sub(r'\{\{.*?\}\}|\[Op:.*?\]', '', line).strip()[:300]


@contextlib.contextmanager
def one_line_errors(path):
  """Turns a failure to write into a `UserError` that names the path and the cause."""
  try:
    yield
  except (OSError, tf.errors.OpError) as error:
    raise errors.UserError(
        f'{path} cannot be written ({reason(error)}); the checkpoints are intact. Make room or '
        f'choose another --workdir, then run the same command to continue.') from error
