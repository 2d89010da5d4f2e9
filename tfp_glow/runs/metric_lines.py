"""Reads the lines of a metrics.jsonl, of which some may be damaged."""

import json
import numbers

from tfp_glow import errors
from tfp_glow.runs import files
from tfp_glow.runs import metrics

__all__ = ['read_lines']


def read_lines(metrics_file):
  """The lines of a run's metrics, but for those that are damaged, which the user is told of.

  The end of a line that a killed process did not finish is left out without a word.

  Args:
    metrics_file: str, path of a `metrics.jsonl`.

  Returns:
    A list of dicts with an int `step`, whose figures are numbers or None.

  Raises:
    UserError: if the file cannot be read.
  """
  try:
    with open(metrics_file, 'rb') as f:
      texts = f.read().split(b'\n')[:-1]
  except OSError as error:
    raise errors.UserError(
        f'{metrics_file} cannot be read ({files.reason(error)}).') from error
  lines = [_parse(text) for text in texts]
  damaged = [number for number, line in enumerate(lines, 1) if line is None]
  if damaged:
    metrics.say(f'{metrics_file} is damaged; lines that do not count: {len(damaged)}, the first of '
                f'them line {damaged[0]}.')
  return [line for line in lines if line is not None]


def _parse(text):
  """A line as a dict, or None."""
  try:
    line = json.loads(text)
  except (RecursionError, ValueError):
    return None
  if not isinstance(line, dict) or not all(_is_good(*entry) for entry in line.items()):
    return None
  return line if 'step' in line else None


def _is_good(name, value):
  """Whether a figure that others read is what they take it for."""
  if name == 'step' or name.endswith('_step'):
    return isinstance(value, int) and not isinstance(value, bool)
  if '_bpd' in name:
    return value is None or isinstance(value, numbers.Real) and not isinstance(value, bool)
  return name not in ('event', 'best_eval_split') or isinstance(value, str)
