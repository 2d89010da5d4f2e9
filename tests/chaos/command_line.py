"""train.py in a process that has loaded TensorFlow already."""

import contextlib
import dataclasses
import io
import os
import runpy
import sys

from absl import logging  # pylint: disable=unused-import
from absl.testing import flagsaver

from tests.chaos import tiny_data

__all__ = ['Outcome', 'PROGRAM', 'run']

PROGRAM = os.path.join(tiny_data.root(), 'train.py')


@dataclasses.dataclass(frozen=True)
class Outcome:
  """How a command ended: its exit code, and what it wrote to stdout and stderr."""

  code: int
  out: str
  err: str

  def __iter__(self):
    return iter((self.code, self.out, self.err))

  @property
  def problem(self):
    """What a user must never get, in words, or None."""
    if 'Traceback' in self.err:
      return 'a stack trace'
    if self.code == 0:
      return None
    last = (self.err.splitlines() or [''])[-1]
    if self.code not in (1, 3, 75, 130):
      return f'the exit code {self.code}'
    return None if last.startswith('train.py: ') else f'the last line {last!r}'


def run(arguments, cwd, environment=None):
  """Runs a command line to its end.

  Args:
    arguments: list of str, flags of train.py.
    cwd: str, the folder to run it in.
    environment: dict of str, variables to set.

  Returns:
    An `Outcome`. Exceptions that train.py lets out, which end a real process with a stack trace,
    are raised.
  """
  argv, out, err, code = [PROGRAM, *arguments], io.StringIO(), io.StringIO(), 0
  # Flags of absl's logging, which is imported above, are there before any are saved.
  before = os.getcwd(), sys.argv, flagsaver.save_flag_values(), dict(os.environ)
  os.chdir(cwd)
  sys.argv = argv  # Where config_flags looks for changes of fields.
  os.environ.update(environment or {})
  os.environ.pop('TF_CONFIG', None)
  try:
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
      program = runpy.run_path(PROGRAM)
      program['main'](program['_parse_flags'](argv))
  except SystemExit as ended:
    code = ended.code
  finally:
    os.environ.clear()
    os.environ.update(before[3])
    flagsaver.restore_flag_values(before[2])  # And forgets those that train.py has defined.
    sys.argv = before[1]
    os.chdir(before[0])
  return Outcome(code, out.getvalue(), err.getvalue())
