"""The training batch that a run gave up at, for inspection."""

import numpy as np

from tfp_glow import data
from tfp_glow.distributions import noise as noise_lib

__all__ = ['save_batch']


def save_batch(path, source, *, batch_size, seed, number, reason):
  """Saves a training batch for inspection, made anew from its seed and number.

  Args:
    path: str, of the .npz with `image`, `label`, `noise`, `data_seed`, `step`, `reason`.
    source: an `ImageSource`.
    batch_size: int, the global batch.
    seed: int, `Progress.data_seed`.
    number: int, the step that the batch belongs to.
    reason: str.

  Raises:
    OSError: if it cannot be written.
  """
  batches = data.train_batches(source, batch_size=batch_size, seed=seed, start_step=number)
  batch = next(batches.take(1).as_numpy_iterator())
  np.savez_compressed(
      path, **batch, noise=noise_lib.batch_noise(seed, number, batch['image'].shape),
      data_seed=seed, step=number, reason=reason)
