"""What can be done with a finished or unfinished run besides training it."""

import os

from tfp_glow.training import classification
from tfp_glow import errors
from tfp_glow.training import evaluation
from tfp_glow.training import files
from tfp_glow.training import pictures
from tfp_glow.training import trained

__all__ = ['evaluate', 'sample']


def evaluate(config, path, cluster, importance_samples=1):
  """Bits/dim of a run's averaged weights over the whole test split.

  Args:
    config: the run's config.
    path: str, the workdir.
    cluster: a `Cluster`.
    importance_samples: int; see `Evaluator`.

  Returns:
    A dict: `step` and what `Evaluator` returns; of a model with classes, also what
    `classify` returns.

  Raises:
    UserError: for a number of samples below 1, or a workdir without a trained model.
  """
  _check_positive('importance_samples', importance_samples)
  run = trained.load_trained(config, path, cluster)
  evaluator = evaluation.Evaluator(
      cluster, run.model, run.source, config.evaluation.batch_size, config.evaluation.noise_draws,
      importance_samples=importance_samples)
  result = {'step': run.step, 'split': 'test', **evaluator()}
  if run.model.num_classes:
    result.update(classification.classify(
        cluster, run.model, run.source, config.evaluation.batch_size,
        config.evaluation.noise_draws))
  return result


def sample(config, path, *, num_samples=None, temperature=None, seed=0, label=None):
  """Writes a grid of samples to `samples/`, under a name that says what it shows.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, by default the config's.
    temperature: float, by default the config's.
    seed: int.
    label: int, the class of all samples; by default each column of the grid shows one.

  Returns:
    Path of the PNG. A file that is there already is never overwritten.

  Raises:
    UserError: for a number of samples, a temperature or a label out of range.
  """
  num = config.sampling.num_samples if num_samples is None else num_samples
  temperature = config.sampling.temperature if temperature is None else temperature
  _check_positive('num_samples', num)
  if not temperature >= 0 or temperature == float('inf'):
    raise errors.UserError(f'--temperature={temperature} must be a number of at least 0.')
  run = trained.load_trained(config, path)
  _check_label(label, run.model.num_classes)
  sampler = pictures.Sampler(run.model, config.evaluation.batch_size)
  name = f'sample_step_{run.step}_temperature_{temperature:g}_seed_{seed}_num_{num}'
  name += '' if label is None else f'_label_{label}'
  return _save(path, f'{name}.png', sampler.grid(num, temperature, seed, label))


def _check_label(label, num_classes):
  if label is None:
    return
  if not num_classes:
    raise errors.UserError(
        f'--label={label} needs a run with classes (model.num_classes); leave it out.')
  if not 0 <= label < num_classes:
    raise errors.UserError(f'--label={label} must be a class from 0 to {num_classes - 1}.')


def _check_positive(flag, value):
  if value < 1:
    raise errors.UserError(f'--{flag}={value} must be at least 1.')


def _save(path, name, image):
  target = files.unused_name(os.path.join(path, 'samples', name))
  pictures.save_png(target, image)
  return target
