"""How long a run has taken, over all the processes that worked on it."""

import time

__all__ = ['Clock', 'rounded']


class Clock:
  """Adds the time that passes to `Progress.wall_s`, and to that of what it went into."""

  def __init__(self):
    self._last = time.perf_counter()

  def lap(self, progress, kind='train'):
    """Books the time since the last call.

    Args:
      progress: a `Progress`.
      kind: str, what it went into: "train", "evaluation", "sampling" or "checkpoint".
    """
    now = time.perf_counter()
    for variable in (progress.wall_s, getattr(progress, f'{kind}_s')):
      variable.assign_add(now - self._last)
    self._last = now


def rounded(progress):
  """The seconds that were booked so far, a dict of floats by name."""
  return {name: round(float(variable), 3) for name, variable in progress.times.items()}
