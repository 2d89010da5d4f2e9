"""--mode=sample: a grid of samples."""

from tfp_glow import errors
from tfp_glow.commands import arguments
from tfp_glow.commands import run_pictures
from tfp_glow.runs import pictures
from tfp_glow.runs import trained

__all__ = ['run']


def run(config, path, num_samples=None, temperature=None, seed=0, label=None):
  """Writes a grid of samples to `samples/`, under a name that says what it shows.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, by default the config's.
    temperature: float, by default the config's.
    seed: int.
    label: int, the class of all samples; by default each column of the grid shows one or, of
      fewer samples than classes, they are drawn, all being equally likely.

  Returns:
    A dict: `path` of the PNG; of a model with classes, and without a label, `labels`: the names of
    the columns' classes, or of each sample's where these are drawn. A file that is there already
    is never overwritten.

  Raises:
    UserError: for a number of samples, a temperature or a label out of range.
  """
  num = arguments.count_of('num_samples', num_samples, config.sampling.num_samples)
  temperature = arguments.temperature_of(config, temperature)
  loaded = trained.load_trained(config, path)
  _check_label(label, loaded.model.num_classes)
  run_pictures.check_size(num, loaded.model.image_shape)
  sampler = pictures.Sampler(loaded.model, config.evaluation.batch_size)
  name = (f'sample_step_{loaded.step}_temperature_{temperature:g}_'
          f'{run_pictures.in_name(seed)}_num_{num}')
  name += '' if label is None else f'_label_{label}'
  told = {}
  if loaded.model.num_classes and label is None:
    labels = sampler.labels_of_grid(num, seed)[:loaded.model.num_classes]
    told['labels'] = [loaded.source.class_names[y] for y in labels]
  return {'path': run_pictures.save(path, name, sampler.grid(num, temperature, seed, label)),
          **told}


def _check_label(label, num_classes):
  if label is None:
    return
  if not num_classes:
    raise errors.UserError(
        f'--label={label} needs a run with classes (model.num_classes); leave it out.')
  if not 0 <= label < num_classes:
    raise errors.UserError(f'--label={label} must be a class from 0 to {num_classes - 1}.')
