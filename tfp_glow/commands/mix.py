"""--mode=mix: the coarse scales of test images with the fine ones of others."""

from tfp_glow import latents
from tfp_glow.commands import latent_runs
from tfp_glow.commands import run_pictures

__all__ = ['run']


def run(config, path, num_samples=None, seed=0):
  """Pairs of test images with their scales mixed; see `LatentPictures.mixing`.

  Args:
    config: the run's config.
    path: str, the workdir.
    num_samples: int, rows, by default 8.
    seed: int, chooses the test images.

  Returns:
    A dict: `path` of the PNG; of a model with classes `labels`, a pair of names for each row, of
    the first and the last column. A file that is there already is never overwritten.

  Raises:
    UserError: for arguments out of range, or a workdir without a usable checkpoint.
  """
  loaded, coarse, fine = latent_runs.load_with_pairs(config, path, num_samples, seed)
  run_pictures.check_size(
      len(fine.images) * (1 + len(loaded.model.flow.latent_shapes)), loaded.model.image_shape)
  pictures = latents.LatentPictures(loaded.model, config.evaluation.batch_size)
  grid = pictures.mixing(coarse.images, fine.images, coarse.labels, fine.labels)
  name = f'mix_step_{loaded.step}_{run_pictures.in_name(seed)}'
  return {'path': run_pictures.save_grid(path, name, grid),
          **latent_runs.names_of_pairs(loaded, fine, coarse)}
