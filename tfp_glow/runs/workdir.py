"""The folder of a run: which config made it, and where its files lie."""

import json
import os

import ml_collections

from tfp_glow import errors
from tfp_glow.runs import config_check
from tfp_glow.runs import config_versions
from tfp_glow.runs import files

__all__ = ['Workdir']


class Workdir:
  """Paths and config of one run.

  Args:
    path: str; `~` is the home.
  """

  def __init__(self, path):
    self.path = path = os.path.expanduser(path)
    self._lock = None
    self._made = []  # Folders, the outermost first.
    self.checkpoints = os.path.join(path, 'checkpoints')
    self.config_file = os.path.join(path, 'config.json')
    self.curves = os.path.join(path, 'curves.png')
    self.metrics_file = os.path.join(path, 'metrics.jsonl')
    self.samples = os.path.join(path, 'samples')
    self.tensorboard = os.path.join(path, 'tensorboard')

  @property
  def has_config(self):
    """Whether there is a config.json, be it a link to nothing."""
    return os.path.lexists(self.config_file)

  def read_config(self):
    """The `ConfigDict` that the run was made with, with all fields of this version.

    Raises:
      UserError: if there is none or it cannot be read, or holds what this version cannot do.
    """
    if not self.has_config:
      raise errors.UserError(f'workdir {self.path} holds no run (no config.json); train first with '
                             f'python train.py --workdir={self.path}')
    try:
      config = ml_collections.ConfigDict(files.read_record(self.config_file))
    except (AttributeError, OSError, TypeError, ValueError) as error:
      raise errors.UserError(
          f'{self.config_file} cannot be read ({files.reason(error)}); put it back from a backup. '
          f'If it was changed by hand, its line "sha256" has to go.') from error
    return config_versions.complete(config, self.config_file)

  def check(self, config):
    """Refuses a config other than the one that the run was made with.

    `num_steps` may be another where the schedule does not depend on it.

    Args:
      config: a `ConfigDict`.

    Returns:
      List of the adjustable fields that differ, as `name: old -> new`.

    Raises:
      UserError: that lists the fields that differ, old and new.
    """
    if not self.has_config:
      return []
    old, new = (config_check.flat(_plain(c)) for c in (
        self.read_config(), config_versions.complete(config)))
    constant = old['optimizer.schedule'] == new['optimizer.schedule'] == 'constant'
    refused, adjusted = [], []
    for name in sorted(new):
      if old[name] != new[name]:
        change = f'{name}: {json.dumps(old[name])} -> {json.dumps(new[name])}'
        harmless = config_check.is_adjustable(name) or (constant and name == 'num_steps')
        (adjusted if harmless else refused).append(change)
    if refused:
      raise errors.UserError(
          f'workdir {self.path} was made with another config ({"; ".join(refused)}); '
          f'choose another --workdir, or give the same config to continue.')
    return adjusted

  def lock(self):
    """Keeps other processes from training here until this one ends, however it ends.

    Raises:
      UserError: if one does already.
    """
    try:
      import fcntl  # pylint: disable=import-outside-toplevel
      self._lock = os.open(self.path, os.O_RDONLY)
      fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      self._made = []  # They are the other process' now.
      self.unlock()
      raise errors.UserError(f'another process is training in workdir {self.path}; wait for it, '
                             f'or choose another --workdir.') from error
    except (ImportError, OSError):
      pass  # Windows and some network file systems have no such locks.

  def unlock(self):
    """Lets others train here, and leaves no folder behind in which nothing came to be."""
    for folder in reversed(self._made):
      try:
        os.rmdir(folder)
      except OSError:
        break  # It is not empty.
    self._made = []
    if self._lock is not None:
      os.close(self._lock)
      self._lock = None

  def has_trained(self):
    """Whether steps were logged here, which a run does after its first checkpoint alone."""
    try:
      return os.path.getsize(self.metrics_file) > 0
    except OSError:
      return False

  def prepare(self):
    """Makes the folder and locks it, and fails early where it cannot be written to.

    Raises:
      UserError: if so, and as `lock`.
    """
    probe = os.path.join(self.path, '.writable')
    with files.one_line_errors(self.path):
      self._make()
      self.lock()
      while not self._is_there():  # A process that failed has taken it away before it was locked.
        self.unlock()
        self._make()
        self.lock()
      files.write_text(probe, '')
      os.remove(probe)

  def _make(self):
    missing = [os.path.abspath(self.path)]
    while not os.path.lexists(os.path.dirname(missing[0])):
      missing.insert(0, os.path.dirname(missing[0]))
    for folder in missing:
      if not os.path.isdir(folder):
        try:
          os.mkdir(folder)
          self._made.append(folder)
        except FileExistsError:
          if not os.path.isdir(folder):  # Else another process has made it just now.
            raise

  def _is_there(self):
    """Whether the folder, if it is locked that one, is there."""
    try:
      found = os.stat(self.path)
      return self._lock is None or os.path.samestat(found, os.fstat(self._lock))
    except FileNotFoundError:
      return False

  def write_config(self, config):
    """Writes config.json, raising `UserError` where that fails."""
    with files.one_line_errors(self.config_file):
      files.write_record(self.config_file, _plain(config), indent=2)


def _plain(config):
  """A config as what reading its JSON gives."""
  return json.loads(json.dumps(config.to_dict()))
