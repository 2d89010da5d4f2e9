"""Which reversible levels have become too imprecise to recompute their activations."""

from tfp_glow import bijectors

__all__ = ['ReversibleLevels']


class ReversibleLevels:
  """Makes the reversible levels that drift keep their activations.

  The backward pass of a reversible level undoes the level from its output, so
  its gradients are as exact as what comes out at the bottom. That is watched on
  a held batch (`MultiScale.reconstruction_errors`), and a level whose error
  passes the limit keeps its activations from then on, as a plain one does.

  Args:
    flow: the `MultiScale` in training.
    progress: a `Progress`, whose `kept_levels` says which levels do so already.
    limit: float, in units of the level's input; 0 for no limit.
  """

  def __init__(self, flow, progress, limit):
    self._levels = {
        i: bijector for i, scale in enumerate(flow.scales) for bijector in scale
        if isinstance(bijector, bijectors.GlowLevel) and bijector.reversible}
    self._progress = progress
    self._limit = limit

  def __len__(self):
    """How many levels were made reversible."""
    return len(self._levels)

  def drifted(self, errors):
    """The levels that have to keep their activations from now on.

    Args:
      errors: list of floats, the reconstruction error of each scale.

    Returns:
      An int in which bit i stands for level i.
    """
    return sum(
        1 << i for i, level in self._levels.items()
        if self._limit and level.reversible and not errors[i] <= self._limit)

  def keep(self, bits):
    """Adds the levels of `drifted` to those that keep their activations.

    Returns:
      Their indices.
    """
    self._progress.kept_levels.assign(int(self._progress.kept_levels) | bits)
    self.follow()
    return [i for i in self._levels if bits >> i & 1]

  def follow(self):
    """Makes the levels do what `Progress` says, after a checkpoint was read.

    Returns:
      Whether any changed, so that a step traced before is another one.
    """
    kept = int(self._progress.kept_levels)
    before = [level.reversible for level in self._levels.values()]
    for i, level in self._levels.items():
      level.reversible = not kept >> i & 1
    return before != [level.reversible for level in self._levels.values()]
