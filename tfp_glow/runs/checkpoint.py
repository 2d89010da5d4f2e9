"""Checkpoints that are checked before they are trusted.

A save is three writes, each of which either happens or does not: TensorFlow
writes `ckpt-N.data-*` and `ckpt-N.index` under temporary names and renames them,
then the file `checkpoint` names N as the newest, for TensorFlow's own tools, then
`ckpt-N.json` records size and SHA-256 of the files, and its own. One without that
record was interrupted and never counts; one that does not match it was damaged since.
It has the day, too: a file's own time may be that of a copy.
"""

import contextlib
import datetime
import glob
import os
import re
import shutil

import tensorflow as tf

from tfp_glow import errors
from tfp_glow.runs import files

__all__ = ['CheckpointStore']

_NAME = re.compile(r'ckpt-(\d+)')


class CheckpointStore:
  """The checkpoints of one run.

  N counts saves, not steps: a recovery saves an earlier step under a later
  number, so the newest is always the one to continue from.

  Args:
    directory: str; made by the first `save`.
    report: callable that shows the user one line.
    keep: int, how many to keep.
  """

  def __init__(self, directory, report, keep=3):
    self.directory = directory
    self._list_file = os.path.join(directory, 'checkpoint')
    self._report = report
    self._keep = keep
    self._reported = set()

  def save(self, items, info):
    """Saves a new checkpoint and drops the oldest ones.

    Args:
      items: dict of Trackables or lists of Variables, what a checkpoint holds.
      info: dict for `ckpt-N.json`, what JSON can hold, with at least `step`.

    Returns:
      Its number N.

    Raises:
      UserError: if it cannot be written. The previous one is then still the newest.
    """
    number = max(self._numbers(), default=0) + 1
    prefix = os.path.join(self.directory, f'ckpt-{number}')
    try:
      os.makedirs(self.directory, exist_ok=True)
      with files.plain_path(self.directory) as directory:
        tf.train.Checkpoint(**items).write(os.path.join(directory, f'ckpt-{number}'))
      contents = {}
      for path in _data_files(prefix):
        files.flush(path)
        contents[os.path.basename(path)] = files.fingerprint(path)
      self._keep_only([*self._whole(), number][-self._keep:])
      files.write_record(prefix + '.json', {
          **info, 'saved': datetime.date.today().isoformat(), 'files': contents})
    except (OSError, tf.errors.OpError) as error:
      self._delete(number)
      with contextlib.suppress(OSError):
        self._keep_only(self._whole())
      raise errors.UserError(
          f'checkpoint {prefix} cannot be written ({files.reason(error)}); the checkpoints before '
          f'it are intact. Make room or choose another --workdir, then run the same command to '
          f'continue.') from error
    return number

  def usable(self):
    """Checkpoints that are complete and undamaged, newest first.

    Others are reported by name, once.

    Yields:
      `(number, info)`, `info` as given to `save` and with `saved`: str, the day in ISO format,
      which earlier versions did not write down.
    """
    numbers, newest = self._numbers(), self._named_newest()
    if newest > max(numbers, default=0):
      self.reject(newest, 'it was the newest, and its files are gone')
    for number in sorted(numbers, reverse=True):
      info, problem = self._verify(number)
      if problem:
        self.reject(number, problem)
      else:
        yield number, info

  def reject(self, number, problem):
    """Tells the user that a checkpoint is passed over, and why."""
    if number not in self._reported:
      self._reported.add(number)
      self._report(f'checkpoint ckpt-{number} in {self.directory} is passed over: {problem}.')

  def restore(self, items, number):
    """Reads a checkpoint, or a part of it, into `items` as given to `save`.

    Raises:
      UserError: if it is of another model or cannot be read.
    """
    prefix = os.path.join(self.directory, f'ckpt-{number}')
    try:
      with files.plain_path(self.directory) as directory:
        status = tf.train.Checkpoint(**items).read(os.path.join(directory, f'ckpt-{number}'))
      # It may hold more: other parts, or what earlier versions remembered.
      status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, OSError, ValueError, tf.errors.OpError) as error:
      raise errors.UserError(
          f'checkpoint {prefix} does not fit this model ({files.reason(error)}).') from error

  def names(self, number, part):
    """Names of the Variables that a part of a checkpoint holds directly.

    Args:
      number: int.
      part: str, a key of `items` as given to `save`.

    Returns:
      A set of str.

    Raises:
      UserError: if it cannot be read.
    """
    prefix = os.path.join(self.directory, f'ckpt-{number}')
    try:
      with files.plain_path(self.directory) as directory:
        reader = tf.train.load_checkpoint(os.path.join(directory, f'ckpt-{number}'))
        paths = [name.split('/') for name in reader.get_variable_to_shape_map()]
    except (OSError, ValueError, tf.errors.OpError) as error:
      raise errors.UserError(
          f'checkpoint {prefix} cannot be read ({files.reason(error)}).') from error
    return {path[1] for path in paths if path[0] == part and path[2:3] == ['.ATTRIBUTES']}

  def is_new(self):
    """Whether no save was ever completed here, so that starting afresh loses nothing."""
    return self._numbers() <= {1} and not os.path.exists(
        os.path.join(self.directory, 'ckpt-1.json'))

  def _numbers(self):
    names = (_NAME.match(os.path.basename(path))
             for path in glob.glob(os.path.join(glob.escape(self.directory), 'ckpt-*')))
    return {int(name.group(1)) for name in names if name}

  def _verify(self, number):
    prefix = os.path.join(self.directory, f'ckpt-{number}')
    try:
      info = files.read_record(prefix + '.json')
    except FileNotFoundError:
      return None, 'its save was interrupted, or goes on'
    except (OSError, ValueError) as error:
      return None, f'ckpt-{number}.json cannot be read ({files.reason(error)})'
    problem = _problem_of_record(info, number)
    if problem:
      return None, f'ckpt-{number}.json {problem}'
    for name, expected in info.pop('files').items():
      try:
        found = files.fingerprint(os.path.join(self.directory, name))
      except (OSError, ValueError) as error:  # Of a name that no file can have.
        return None, f'{name} cannot be read ({files.reason(error)})'
      if found['bytes'] != expected['bytes']:
        return None, f'{name} has {found["bytes"]} bytes instead of {expected["bytes"]}'
      if found['sha256'] != expected['sha256']:
        return None, f'{name} does not match its SHA-256'
    return info, None

  def _named_newest(self):
    """The checkpoint that was saved last, as far as TensorFlow's list of them can be read; or 0."""
    try:
      with open(self._list_file, encoding='utf-8') as f:
        name = re.search(r'^model_checkpoint_path: ".*ckpt-(\d{1,18})"$', f.read(), re.MULTILINE)
    except (OSError, ValueError):
      return 0
    return int(name.group(1)) if name else 0

  def _whole(self):
    """The saves that were not interrupted, by number; they may have been damaged since."""
    prefix = os.path.join(self.directory, 'ckpt-')
    return sorted(number for number in self._numbers() if all(
        os.path.exists(f'{prefix}{number}{ending}') for ending in ('.json', '.index')))

  def _keep_only(self, numbers):
    """Lists some checkpoints, and deletes all others and what interrupted saves left."""
    files.write_text(self._list_file, ''.join(
        [f'model_checkpoint_path: "ckpt-{number}"\n' for number in numbers[-1:]]
        + [f'all_model_checkpoint_paths: "ckpt-{number}"\n' for number in numbers]))
    for other in self._numbers() - set(numbers):
      self._delete(other)

  def _delete(self, number):
    for path in glob.glob(os.path.join(glob.escape(self.directory), f'ckpt-{number}[._]*')):
      try:
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
      except OSError:
        pass  # It does not count without its record, and the next save tries again.


def _data_files(prefix):
  return sorted(glob.glob(glob.escape(prefix) + '.index')
                + glob.glob(glob.escape(prefix) + '.data-*'))


def _problem_of_record(info, number):
  """What a `ckpt-N.json` lacks, or None."""
  is_count = lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0
  if not is_count(info.get('step')):
    return 'lacks the step'
  if not is_count(info.get('best_step', 0)):
    return 'has no number for its best step'
  if not isinstance(info.get('config', {}), dict):
    return 'has no fields for its config'
  if not isinstance(info.get('saved', ''), str):
    return 'has no text for its day'
  contents = info.get('files')
  if not isinstance(contents, dict) or f'ckpt-{number}.index' not in contents or not all(
      isinstance(expected, dict) and {'bytes', 'sha256'} <= set(expected)
      for expected in contents.values()):
    return 'lacks the SHA-256 of its files'
  return None
