"""Whether the training bits/dim have risen for good, and not for a while."""

import math

__all__ = ['BpdRise']

_MIN_STEPS = 30  # Of a window: single batches vary too much to be judged by.
_MOST = .75  # Of a window's steps.
_WINDOWS = 3
_ON_THE_WAY_BACK = .9


class BpdRise:
  """Judges a run by its bits/dim in windows of some steps, which `Progress` sums up.

  Training has failed if in three windows in a row most steps lay above the reference by more than
  `recovery.max_bpd_rise`. A window whose mean came back by a tenth of the way to the reference, or
  more, does not count. So a spike costs no recovery, nor does a bad start that training itself
  makes good.

  The reference is the lowest mean of a window so far. Once the warm-up is over it is at most the
  first batch's bits/dim or `n_bits`, those of a model that knows nothing, whichever is greater: a
  learning rate that is far too high spoils the first window already. Before that, a model that
  was initialised on few images may well be worse than that on others.

  Args:
    config: `recovery.max_bpd_rise` (0: never), `optimizer.warmup_steps`, `model.n_bits`.
    progress: a `Progress`.
  """

  def __init__(self, config, progress):
    self._limit = config.recovery.max_bpd_rise
    self._warmup_steps = config.optimizer.warmup_steps
    self._n_bits = config.model.n_bits
    self._progress = progress

  @property
  def reference(self):
    """Bits/dim that windows are compared with; infinite before there is anything to go by."""
    reference = float(self._progress.lowest_bpd)
    if int(self._progress.step) > self._warmup_steps:
      reference = min(reference, max(float(self._progress.first_bpd), self._n_bits))
    return reference

  @property
  def is_suspected(self):
    """Whether the last windows, or the one not yet over, were above: no state to go back to."""
    return int(self._progress.windows_above) > 0 or self._is_above()

  def judge(self, is_last=False):
    """Closes a window if it is long enough.

    Args:
      is_last: bool, whether training ends here, so that the present window decides.

    Returns:
      What is wrong, in a line, or None.
    """
    progress = self._progress
    good = int(progress.rise_good)
    # What is left at the end may be too short to be judged by itself.
    is_last = is_last and (good >= _MIN_STEPS or int(progress.windows_above) > 0)
    if not good or good < _MIN_STEPS and not is_last:
      return None
    mean, reference = float(progress.rise_bpd) / good, self.reference
    if not self._is_above():
      progress.windows_above.assign(0)
    elif mean - reference > _ON_THE_WAY_BACK * (float(progress.previous_bpd) - reference):
      progress.windows_above.assign_add(1)
    progress.previous_bpd.assign(mean)
    progress.lowest_bpd.assign(min(mean, float(progress.lowest_bpd)))
    progress.begin_rise(self.reference + self._limit if self._limit else math.inf)
    if int(progress.windows_above) < (1 if is_last else _WINDOWS):
      return None
    return (f'training bits/dim, {mean:.4g}, stay more than recovery.max_bpd_rise={self._limit:g} '
            f'above {reference:.4g}')

  def _is_above(self):
    return int(self._progress.rise_high) > _MOST * int(self._progress.rise_good)
