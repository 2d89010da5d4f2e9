"""The evaluations that a run's metrics.jsonl tells of."""

import os

from tfp_glow.runs import metric_lines

__all__ = ['RENAMED', 'last_is_given_label', 'read_evaluations']

RENAMED = ('eval_bpd: given the label, which is eval_bpd_given_label now -> without it, the mean '
           'over the classes')
_GIVEN_LABEL = 'eval_bpd_given_label'


def read_evaluations(metrics_file):
  """The evaluations of a run, without those that it went back behind.

  Args:
    metrics_file: str, path of a `metrics.jsonl`.

  Returns:
    A list of the lines that hold `eval_bpd`, as dicts, by rising step. Where a run with classes
    goes on from version 0.1, whose bits/dim were those given the label, these have the names that
    they have now, and no `eval_bpd`.

  Raises:
    UserError: if the file cannot be read.
  """
  kept = {}
  for line in metric_lines.read_lines(metrics_file):
    if line.get('event') in ('resume', 'recovery'):
      start = line.get('to_step', line['step'])
      kept = {step: entry for step, entry in kept.items() if step <= start}
    elif line.get('eval_bpd') is not None and line.get('event') != 'final':
      kept[line['step']] = line
  found = [kept[step] for step in sorted(kept)]
  if any(_GIVEN_LABEL in line for line in found):
    found = [line if _GIVEN_LABEL in line else _renamed(line) for line in found]
  return found


def last_is_given_label(metrics_file):
  """Whether the `eval_bpd` that a run with classes wrote last was that given the label."""
  if not os.path.exists(metrics_file):
    return False
  found = read_evaluations(metrics_file)
  return bool(found) and _GIVEN_LABEL not in found[-1]


def _renamed(line):
  return {f'{name}_given_label' if name.endswith('_bpd') and 'eval_' in name else name: value
          for name, value in line.items()}
