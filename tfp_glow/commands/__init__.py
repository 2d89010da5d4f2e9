"""What train.py can do: a file for each --mode, with a function `run`.

`run` takes of the config, the path of the workdir, the cluster and the flags those that it
names, under their own names, and returns a dict to print, or None. Here alone do modes meet.
"""

import importlib
import inspect

__all__ = ['MODES', 'arguments_of', 'run']

MODES = ('train', 'evaluate', 'sample', 'interpolate', 'export', 'directions', 'mix', 'scales')


def arguments_of(mode):
  """Names of what the `run` of a mode takes."""
  return list(inspect.signature(_command(mode)).parameters)


def run(mode, **given):
  """Does what a mode does.

  Args:
    mode: str, one of `MODES`.
    **given: `config`, `path`, `cluster` and the value of every flag.

  Returns:
    A dict that JSON can hold, or None.

  Raises:
    UserError: for what the user can put right.
  """
  memory = importlib.import_module(f'{__name__}.memory')
  with memory.one_line_errors(mode):
    return _command(mode)(**{name: given[name] for name in arguments_of(mode)})


def _command(mode):
  # Late: --help and mistyped flags do not wait for TensorFlow.
  return importlib.import_module(f'{__name__}.{mode}').run
