"""What can be done with a finished or unfinished run besides training it."""

import os

from tfp_glow.training import errors
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
    A dict: `step` and what `Evaluator` returns.

  Raises:
    UserError: for a number of samples below 1, or a workdir without a trained model.
  """
  _check_positive('importance_samples', importance_samples)
  run = trained.load_trained(config, path, cluster)
  evaluator = evaluation.Evaluator(
      cluster, run.model, run.source, config.evaluation.batch_size, config.evaluation.noise_draws,
      importance_samples=importance_samples)
  return {'step': run.step, 'split': 'test', **evaluator()}


def sample(config, path, *, num_samples=None, temperature=None, seed=0):
  """Writes a grid of samples to `samples/`, under a name that says what it shows.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, by default the config's.
    temperature: float, by default the config's.
    seed: int.

  Returns:
    Path of the PNG. A file that is there already is never overwritten.

  Raises:
    UserError: for a number of samples or a temperature out of range.
  """
  num = config.sampling.num_samples if num_samples is None else num_samples
  temperature = config.sampling.temperature if temperature is None else temperature
  _check_positive('num_samples', num)
  if not temperature >= 0 or temperature == float('inf'):
    raise errors.UserError(f'--temperature={temperature} must be a number of at least 0.')
  run = trained.load_trained(config, path)
  draw = pictures.Sampler(run.model, config.evaluation.batch_size)
  name = f'sample_step_{run.step}_temperature_{temperature:g}_seed_{seed}_num_{num}.png'
  return _save(path, name, pictures.grid(draw(num, temperature, seed)))


def _check_positive(flag, value):
  if value < 1:
    raise errors.UserError(f'--{flag}={value} must be at least 1.')


def _save(path, name, image):
  target = files.unused_name(os.path.join(path, 'samples', name))
  pictures.save_png(target, image)
  return target
