"""What --mode=evaluate --ood_dataset=... reports."""

import os

from tfp_glow.ood import histograms
from tfp_glow.ood import other_images
from tfp_glow.ood import rank_statistic
from tfp_glow.ood import scores as scores_lib
from tfp_glow.training import files
from tfp_glow.training import labels
from tfp_glow.training import metrics
from tfp_glow.training import trained

__all__ = ['evaluate']

_MAX_IMAGES = 10_000  # Of a data set.


def evaluate(config, path, names):
  """How well scores tell a run's test images from others.

  Prints a table and writes `ood_step_N.png`, the histograms of the scores.

  Args:
    config: the run's config.
    path: str, the workdir.
    names: list of str; see `load_others`.

  Returns:
    A dict by name of dicts: `num_images`, `bpd` (mean bits/dim) and `auroc`, a dict by
    the names of `Scores`. And under `picture` the path of the picture.

  Raises:
    UserError: for a workdir without a trained model, a model with classes, images that
      do not fit, or a data set that cannot be had.
  """
  run = trained.load_trained(config, path)
  labels.refuse_classes(run.model, path)
  test = other_images.read(run.source, 'test', _MAX_IMAGES)
  others = {name: other_images.load_others(name, config.dataset, test, _MAX_IMAGES)
            for name in names}
  score = scores_lib.Scores(
      run.model, other_images.read(run.source, 'train', len(test)), config.evaluation.batch_size)
  inside, outside = score(test), {name: score(images) for name, images in others.items()}
  result = {
      name: dict(
          num_images=len(others[name]), bpd=float(found['log_prob'].mean()),
          auroc={key: rank_statistic.auroc(inside[key], found[key]) for key in scores_lib.NAMES})
      for name, found in outside.items()}
  _print_table(result, float(inside['log_prob'].mean()))
  picture = files.unused_name(os.path.join(path, f'ood_step_{run.step}.png'))
  histograms.save_histograms(picture, {'test': inside, **outside})
  return {**result, 'picture': picture}


def _print_table(result, test_bpd):
  width = max(map(len, ['test images', *result])) + 2
  row = lambda name, cells: metrics.say(
      name.ljust(width) + ''.join(cell.rjust(len(key) + 2) for key, cell in zip(
          ('bits/dim', *scores_lib.NAMES), cells)))
  row('AUROC', ('bits/dim', *scores_lib.NAMES))
  row('test images', (f'{test_bpd:.3f}',))
  for name, found in result.items():
    row(name, (f'{found["bpd"]:.3f}', *(f'{value:.3f}' for value in found['auroc'].values())))
