"""Checkpoints that are checked before they are trusted.

A save is three writes, each of which either happens or does not: TensorFlow
writes `ckpt-N.data-*` and `ckpt-N.index` under temporary names and renames them,
then the file `checkpoint` names N as the newest, then `ckpt-N.json` records size
and SHA-256 of the files. One without that record was interrupted and never
counts; one that does not match it was damaged since.
"""

import glob
import json
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
    self._report = report
    self._keep = keep
    self._reported = set()

  def save(self, items, info):
    """Saves a new checkpoint and drops the oldest ones.

    Args:
      items: dict of Trackables or lists of Variables, what a checkpoint holds.
      info: dict for `ckpt-N.json`, with at least `step`.

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
        tf.train.CheckpointManager(
            tf.train.Checkpoint(**items), directory, max_to_keep=self._keep
        ).save(checkpoint_number=number)
      contents = {}
      for path in _data_files(prefix):
        files.flush(path)
        contents[os.path.basename(path)] = files.fingerprint(path)
      files.write_text(prefix + '.json', json.dumps({**info, 'files': contents}))
      self._drop_orphans()
    except (OSError, tf.errors.OpError) as error:
      self._delete(number)
      raise errors.UserError(
          f'checkpoint {prefix} cannot be written ({files.reason(error)}); the checkpoints before '
          f'it are intact. Make room or choose another --workdir, then run the same command to '
          f'continue.') from error
    return number

  def usable(self):
    """Checkpoints that are complete and undamaged, newest first.

    Others are reported by name, once.

    Yields:
      `(number, info)`, `info` as given to `save`.
    """
    for number in sorted(self._numbers(), reverse=True):
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
      with open(prefix + '.json', encoding='utf-8') as f:
        info = json.load(f)
      contents = info.pop('files')
    except FileNotFoundError:
      return None, 'its save was interrupted'
    except (AttributeError, KeyError, OSError, ValueError) as error:
      return None, f'ckpt-{number}.json cannot be read ({files.reason(error)})'
    for name, expected in contents.items():
      try:
        found = files.fingerprint(os.path.join(self.directory, name))
      except OSError as error:
        return None, f'{name} cannot be read ({files.reason(error)})'
      if found['bytes'] != expected['bytes']:
        return None, f'{name} has {found["bytes"]} bytes instead of {expected["bytes"]}'
      if found['sha256'] != expected['sha256']:
        return None, f'{name} does not match its SHA-256'
    return info, None

  def _drop_orphans(self):
    """Deletes what pruning and interrupted saves left: anything that is not a whole save."""
    for number in self._numbers():
      prefix = os.path.join(self.directory, f'ckpt-{number}')
      if not os.path.exists(prefix + '.json') or not os.path.exists(prefix + '.index'):
        self._delete(number)

  def _delete(self, number):
    for path in glob.glob(os.path.join(glob.escape(self.directory), f'ckpt-{number}[._]*')):
      try:
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
      except OSError:
        pass  # It does not count without its record, and the next save tries again.


def _data_files(prefix):
  return sorted(glob.glob(glob.escape(prefix) + '.index')
                + glob.glob(glob.escape(prefix) + '.data-*'))
