"""--mode=evaluate: bits/dim over the test split, and how other images are told apart."""

import os

from tfp_glow import errors
from tfp_glow import evaluation
from tfp_glow.commands import arguments
from tfp_glow.evaluation import histograms
from tfp_glow.evaluation import other_images
from tfp_glow.evaluation import scores as scores_lib
from tfp_glow.runs import files
from tfp_glow.runs import metrics
from tfp_glow.runs import trained

__all__ = ['run', 'tell_apart']

_MAX_IMAGES = 10_000  # Of a data set that is told apart.


def run(config, path, cluster, importance_samples=1, ood_dataset=None):
  """Bits/dim of a run's averaged weights over the whole test split.

  Args:
    config: the run's config.
    path: str, the workdir.
    cluster: a `Cluster`.
    importance_samples: int; see `Evaluator`.
    ood_dataset: list of str or None, images to tell apart from the run's; see `load_others`.

  Returns:
    A dict: `step` and what `Evaluator` returns; with other images `ood`, see `tell_apart`.

  Raises:
    UserError: for a number of samples below 1, a workdir without a trained model, or
      other images that cannot be had.
  """
  arguments.count_of('importance_samples', importance_samples)
  if ood_dataset is not None and not ood_dataset:
    raise errors.UserError('--ood_dataset= names none; leave it out to tell nothing apart.')
  # First, for it says what is wrong with a name, and the rest takes its time.
  others = tell_apart(config, path, ood_dataset) if ood_dataset and cluster.is_chief else None
  loaded = trained.load_trained(config, path, cluster.strategy)
  evaluator = evaluation.Evaluator(
      cluster, loaded.model, loaded.source, config.evaluation.batch_size,
      config.evaluation.noise_draws, importance_samples=importance_samples)
  result = {'step': loaded.step, 'split': 'test', **evaluator()}
  return {**result, 'ood': others} if others else result


def tell_apart(config, path, names):
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
    UserError: for a workdir without a trained model, images that do not fit, or a data set that
      cannot be had.
  """
  loaded = trained.load_trained(config, path)
  test = other_images.read(loaded.source, 'test', _MAX_IMAGES)
  others = {name: other_images.load_others(name, config.dataset, test, _MAX_IMAGES)
            for name in names}
  score = scores_lib.Scores(
      loaded.model, other_images.read(loaded.source, 'train', len(test)),
      config.evaluation.batch_size)
  inside, outside = score(test), {name: score(images) for name, images in others.items()}
  result = {
      name: dict(
          num_images=len(others[name]), bpd=float(found['log_prob'].mean()),
          auroc={key: evaluation.auroc(inside[key], found[key]) for key in scores_lib.NAMES})
      for name, found in outside.items()}
  _print_table(result, float(inside['log_prob'].mean()))
  picture = files.unused_name(os.path.join(path, f'ood_step_{loaded.step}.png'))
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
