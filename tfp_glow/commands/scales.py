"""--mode=scales: what each scale of the latents decides."""

from tfp_glow import latents
from tfp_glow.commands import arguments
from tfp_glow.commands import run_pictures
from tfp_glow.distributions import random
from tfp_glow.runs import trained

__all__ = ['run']

_COLUMNS = 10
_SAMPLES = 4


def run(config, path, num_samples=None, temperature=None, seed=0):
  """Samples with fresh fine latents, scale after scale; see `LatentPictures.scales`.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, by default 4.
    temperature: float, by default the config's.
    seed: int.

  Returns:
    A dict: `path` of the PNG; of a model with classes `labels`, the name of each sample's class.
    A file that is there already is never overwritten.

  Raises:
    UserError: for arguments out of range, or a workdir without a usable checkpoint.
  """
  num = arguments.count_of('num_samples', num_samples, _SAMPLES)
  temperature = arguments.temperature_of(config, temperature)
  loaded = trained.load_trained(config, path)
  run_pictures.check_size(
      num * len(loaded.model.flow.latent_shapes) * _COLUMNS, loaded.model.image_shape)
  pictures = latents.LatentPictures(loaded.model, config.evaluation.batch_size)
  labels, told = None, {}
  if loaded.model.num_classes:
    labels = loaded.model.sample_labels(num, (random.fold_seed(seed), 0)).numpy()
    told['labels'] = [loaded.source.class_names[label] for label in labels]
  grid = pictures.scales(num, _COLUMNS, temperature, seed, labels)
  name = f'scales_step_{loaded.step}_temperature_{temperature:g}_{run_pictures.in_name(seed)}'
  return {'path': run_pictures.save_grid(path, name, grid), **told}
