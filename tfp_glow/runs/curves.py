"""A picture of how the bits/dim of training and test images fell, and where they part."""

import os

from tfp_glow.runs import evaluations
from tfp_glow.runs import files

__all__ = ['save_curves']

_LINES = {'eval_train_bpd': 'training images', 'eval_bpd': 'test images',
          'eval_validation_bpd': 'validation images'}
_LINES.update({f'{name}_given_label': f'{label}, given the label'
               for name, label in _LINES.items()})


def save_curves(path, metrics_file):
  """Writes a PNG of the bits/dim of test, validation and training images at every evaluation.

  They are measured with the averaged weights without augmentation, so that the gap
  between training and other images is overfitting. With classes that holds for the bits/dim given
  the label; those without it have a line of their own.

  Args:
    path: str.
    metrics_file: str, path of a `metrics.jsonl`.

  Raises:
    UserError: if it cannot be written.
  """
  from matplotlib import figure  # pylint: disable=import-outside-toplevel
  read = evaluations.read_evaluations(metrics_file)
  steps = [line['step'] for line in read]
  picture = figure.Figure(figsize=(6., 4.), layout='constrained')
  axes = picture.subplots()
  for name, label in _LINES.items():
    if any(line.get(name) for line in read):
      axes.plot(steps, [line.get(name) or float('nan') for line in read], 'o-', markersize=3,
                label=label)
  if read and 'best_eval_step' in read[-1]:
    best = read[-1]
    bits = best.get('best_eval_bpd', best.get('best_eval_bpd_given_label'))
    axes.axvline(best['best_eval_step'], color='grey', linestyle=':',
                 label=f'best on {best["best_eval_split"]} images: {bits:.3f} at '
                 f'step {best["best_eval_step"]}')
  axes.set_xlabel('step')
  axes.set_ylabel('bits/dim')
  if read:
    axes.legend()
  with files.one_line_errors(path):
    with files.written_whole(path) as temporary:
      picture.savefig(temporary, format='png', dpi=100)
