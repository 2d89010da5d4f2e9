"""The folder of a run: which config made it, and where its files lie."""

import json
import os

import ml_collections

from tfp_glow import errors
from tfp_glow.runs import files

__all__ = ['ADJUSTABLE', 'Workdir']

# Fields that may differ when a run is continued: they do not change the numbers
# that training computes, or only what happens when it goes wrong. `num_steps` may
# change too where the schedule does not depend on it.
ADJUSTABLE = (
    'checkpoint_every', 'eval_every', 'log_every', 'sample_every', 'dataset.data_dir',
    'evaluation', 'jit_compile', 'model.reversible', 'recovery', 'sampling')


class Workdir:
  """Paths and config of one run.

  Args:
    path: str.
  """

  def __init__(self, path):
    self.path = path
    self._lock = None
    self.checkpoints = os.path.join(path, 'checkpoints')
    self.config_file = os.path.join(path, 'config.json')
    self.curves = os.path.join(path, 'curves.png')
    self.metrics_file = os.path.join(path, 'metrics.jsonl')
    self.samples = os.path.join(path, 'samples')
    self.tensorboard = os.path.join(path, 'tensorboard')

  def read_config(self):
    """The `ConfigDict` that the run was made with.

    Raises:
      UserError: if there is none or it cannot be read.
    """
    try:
      with open(self.config_file, encoding='utf-8') as f:
        return ml_collections.ConfigDict(json.load(f))
    except FileNotFoundError as error:
      raise errors.UserError(f'workdir {self.path} holds no run (no config.json); train first with '
                             f'python train.py --workdir={self.path}') from error
    except (AttributeError, OSError, TypeError, ValueError) as error:
      raise errors.UserError(
          f'{self.config_file} cannot be read ({files.reason(error)}).') from error

  def check(self, config):
    """Refuses a config other than the one that the run was made with.

    Returns:
      List of the adjustable fields that differ, as `name: old -> new`.

    Raises:
      UserError: that lists the fields that differ, old and new.
    """
    if not os.path.exists(self.config_file):
      return []
    refused, adjusted = [], []
    adjustable = ADJUSTABLE
    old, new = _flat(self.read_config()), _flat(config)
    if old.get('optimizer.schedule') == new.get('optimizer.schedule') == 'constant':
      adjustable += ('num_steps',)
    for name in sorted({*old, *new}):
      if old.get(name) != new.get(name):
        change = f'{name}: {_show(old, name)} -> {_show(new, name)}'
        harmless = any(name == field or name.startswith(field + '.') for field in adjustable)
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
      self.unlock()
      raise errors.UserError(f'another process is training in workdir {self.path}; wait for it, '
                             f'or choose another --workdir.') from error
    except (ImportError, OSError):
      pass  # Windows and some network file systems have no such locks.

  def unlock(self):
    """Lets others train here."""
    if self._lock is not None:
      os.close(self._lock)
      self._lock = None

  def prepare(self):
    """Makes the folder, and fails early where it cannot be written to.

    Raises:
      UserError: if so.
    """
    probe = os.path.join(self.path, '.writable')
    with files.one_line_errors(self.path):
      os.makedirs(self.path, exist_ok=True)
      files.write_text(probe, '')
      os.remove(probe)

  def write_config(self, config):
    """Writes config.json, raising `UserError` where that fails."""
    with files.one_line_errors(self.config_file):
      files.write_text(self.config_file, json.dumps(_plain(config), indent=2) + '\n')


def _plain(config):
  """A config as what reading its JSON gives."""
  return json.loads(json.dumps(config.to_dict()))


def _flat(config, prefix=''):
  result = {}
  for name, value in (_plain(config) if not prefix else config).items():
    if isinstance(value, dict):
      result.update(_flat(value, f'{prefix}{name}.'))
    else:
      result[prefix + name] = value
  return result


def _show(flat, name):
  return json.dumps(flat[name]) if name in flat else 'absent'
