"""What can be done with a finished or unfinished run besides training it."""

import os

import numpy as np

from tfp_glow import data
from tfp_glow.training import errors
from tfp_glow.training import evaluation
from tfp_glow.training import files
from tfp_glow.training import metrics
from tfp_glow.training import pictures
from tfp_glow.training import trained

__all__ = ['evaluate', 'interpolate', 'sample']

_COLUMNS = 10  # Images of a row of `interpolate`.
_ROWS = 8


def evaluate(config, path, cluster):
  """Bits/dim of a run's averaged weights over the whole test split.

  Args:
    config: the run's config.
    path: str, the workdir.
    cluster: a `Cluster`.

  Returns:
    A dict: `step` and what `Evaluator` returns.
  """
  run = trained.load_trained(config, path, cluster)
  evaluator = evaluation.Evaluator(
      cluster, run.model, run.source, config.evaluation.batch_size, config.evaluation.noise_draws)
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


def interpolate(config, path, *, num_rows=None, seed=0):
  """Writes rows of pictures on the way between two test images to `samples/`.

  The way is a straight line between their latents. Each row begins and ends with
  a test image as it is.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_rows: int, by default 8.
    seed: int, chooses the test images.

  Returns:
    Path of the PNG. A file that is there already is never overwritten.

  Raises:
    UserError: for a number of rows out of range.
  """
  rows = _ROWS if num_rows is None else num_rows
  _check_positive('num_samples', rows)
  run = trained.load_trained(config, path)
  total = run.source.num_examples('test')
  if 2 * rows > total:
    raise errors.UserError(f'--num_samples={rows} rows need {2 * rows} test images, and there are '
                           f'{total}.')
  chosen = np.random.RandomState(seed).permutation(total)[:2 * rows]
  ends = _test_images(run.source, chosen, config.evaluation.batch_size)
  images, exact = pictures.interpolate(run.model, ends[:rows], ends[rows:], _COLUMNS)
  if not exact:
    metrics.say('Warning: the flow does not give back all test images exactly; its inverse has '
                'lost precision (see reconstruction_error in metrics.jsonl).')
  name = f'interpolation_step_{run.step}_seed_{seed}_rows_{rows}.png'
  return _save(path, name, pictures.grid(images, _COLUMNS))


def _check_positive(flag, value):
  if value < 1:
    raise errors.UserError(f'--{flag}={value} must be at least 1.')


def _save(path, name, image):
  target = files.unused_name(os.path.join(path, 'samples', name))
  pictures.save_png(target, image)
  return target


def _test_images(source, indices, batch_size):
  """The test images of some indices, uint8 `[N, H, W, C]`, in that order."""
  found, start = {}, 0
  for batch in data.eval_batches(source, batch_size=batch_size).as_numpy_iterator():
    for index in indices:
      if start <= index < start + batch_size:
        found[index] = batch['image'][index - start]
    start += batch_size
    if len(found) == len(indices):
      break
  return np.stack([found[index] for index in indices])
