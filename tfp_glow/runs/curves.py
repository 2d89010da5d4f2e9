"""A picture of how the bits/dim of training and test images fell, and where they part."""

import json
import os

from tfp_glow.runs import files

__all__ = ['read_evaluations', 'save_curves']


def read_evaluations(metrics_file):
  """The evaluations of a run, without those that it went back behind.

  Args:
    metrics_file: str, path of a `metrics.jsonl`.

  Returns:
    A list of the lines that hold `eval_bpd`, as dicts, by rising step.
  """
  kept = {}
  with open(metrics_file, encoding='utf-8') as f:
    for line in map(json.loads, f):
      if line.get('event') in ('resume', 'recovery'):
        start = line.get('to_step', line['step'])
        kept = {step: entry for step, entry in kept.items() if step <= start}
      elif line.get('eval_bpd') is not None and line.get('event') != 'final':
        kept[line['step']] = line
  return [kept[step] for step in sorted(kept)]


def save_curves(path, metrics_file):
  """Writes a PNG of the bits/dim of test, validation and training images at every evaluation.

  They are measured with the averaged weights without augmentation, so that the gap
  between training and other images is overfitting.

  Args:
    path: str.
    metrics_file: str, path of a `metrics.jsonl`.

  Raises:
    UserError: if it cannot be written.
  """
  from matplotlib import figure  # pylint: disable=import-outside-toplevel
  evaluations = read_evaluations(metrics_file)
  steps = [line['step'] for line in evaluations]
  picture = figure.Figure(figsize=(6., 4.), layout='constrained')
  axes = picture.subplots()
  for name, label in (('eval_train_bpd', 'training images'), ('eval_bpd', 'test images'),
                      ('eval_validation_bpd', 'validation images')):
    if not any(line.get(name) for line in evaluations):
      continue
    axes.plot(steps, [line.get(name) or float('nan') for line in evaluations], 'o-',
              markersize=3, label=label)
  if evaluations and 'best_eval_step' in evaluations[-1]:
    best = evaluations[-1]
    axes.axvline(best['best_eval_step'], color='grey', linestyle=':',
                 label=f'best on {best["best_eval_split"]} images: {best["best_eval_bpd"]:.3f} at '
                 f'step {best["best_eval_step"]}')
  axes.set_xlabel('step')
  axes.set_ylabel('bits/dim')
  if evaluations:
    axes.legend()
  with files.one_line_errors(path):
    picture.savefig(path + '.tmp', format='png', dpi=100)
    os.replace(path + '.tmp', path)
