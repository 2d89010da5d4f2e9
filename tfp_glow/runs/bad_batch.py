"""The training batch that a run gave up at, for inspection."""

import os

import numpy as np

from tfp_glow import data
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import files

__all__ = ['save_batch']


def save_batch(folder, source, *, batch_size, seed, number, reason):
  """Saves a training batch for inspection, made anew from its seed and number.

  Args:
    folder: str, in which `bad_batch_step_<number>.npz` gets `image`, `label`, `noise`,
      `data_seed`, `step`, `reason`.
    source: an `ImageSource`.
    batch_size: int, the global batch.
    seed: int, `Progress.data_seed`.
    number: int, the step that the batch belongs to.
    reason: str.

  Returns:
    Its path. A file that is there already is never overwritten.

  Raises:
    UserError: if it cannot be written.
  """
  path = files.unused_name(os.path.join(folder, f'bad_batch_step_{number}.npz'))
  batches = data.train_batches(source, batch_size=batch_size, seed=seed, start_step=number)
  batch = next(batches.take(1).as_numpy_iterator())
  with files.one_line_errors(path):
    np.savez_compressed(
        path, **batch, noise=noise_lib.batch_noise(seed, number, batch['image'].shape),
        data_seed=seed, step=number, reason=reason)
  return path
