"""How long a run has taken, over all the processes that worked on it."""

import time

__all__ = ['Clock']


class Clock:
  """Adds the time that passes to `Progress.wall_s`, and that of training to `train_s`."""

  def __init__(self):
    self._last = time.perf_counter()

  def lap(self, progress, training=True):
    """Books the time since the last call.

    Args:
      progress: a `Progress`.
      training: bool; False for evaluation and sampling, which are not training.
    """
    now = time.perf_counter()
    progress.wall_s.assign_add(now - self._last)
    if training:
      progress.train_s.assign_add(now - self._last)
    self._last = now
