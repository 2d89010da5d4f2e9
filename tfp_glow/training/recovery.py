"""What to do when training goes wrong: back to a good checkpoint, or give up."""

import tensorflow as tf

from tfp_glow import errors

__all__ = ['Recovery', 'non_finite_variable']

# Far from any seed that a user would choose for another run.
_SEED_STRIDE = 1_000_003
_NONE = -1


class Recovery:
  """Goes back to the last good checkpoint with other data and a lower learning rate.

  The k-th recovery in a row, without a checkpoint that training reached in
  between, multiplies the learning rate by `learning_rate_factor ** k`, and from
  the second on an earlier checkpoint is tried where there is one.

  Args:
    config: the run's config: `seed` and `recovery` (`max_recoveries`,
      `learning_rate_factor`).
    state: a `TrainState`.
    checkpoints: a `CheckpointStore`.
    find_problem: callable that says in a line why the present state cannot be
      trained on, or returns None.
    cluster: a `Cluster`. The chief decides; the others follow.
  """

  def __init__(self, config, state, checkpoints, find_problem, cluster):
    self._config = config
    self._state = state
    self._checkpoints = checkpoints
    self._find_problem = find_problem
    self._cluster = cluster

  def resume(self, go_back=False, go_further=False):
    """Restores the newest checkpoint that is undamaged and healthy.

    Args:
      go_back: bool, whether it also has to be from before the bits/dim rose.
      go_further: whether to prefer those of an earlier step than the newest's.

    Returns:
      Its number, or None if there is none.
    """
    candidates = iter(self._candidates(go_further))
    while True:
      number = self._cluster.chief_value(next(candidates, _NONE))
      if number == _NONE:
        return None
      self._state.restore(self._checkpoints, number)
      problem = self._find_problem()
      if go_back and problem is None and int(self._state.progress.windows_above):
        problem = 'its training bits/dim were rising'
      if not self._cluster.chief_value(problem is not None):
        return number
      if self._cluster.is_chief:
        self._checkpoints.reject(number, problem)

  def go_back(self, reason):
    """One recovery.

    Args:
      reason: str, one line.

    Returns:
      A dict that describes it, for the log.

    Raises:
      TrainingFailed: if there were `max_recoveries` already, or nothing is left to go back to.
    """
    progress, config = self._state.progress, self._config.recovery
    failed_step = int(progress.step)
    recoveries = int(progress.recoveries) + 1
    in_a_row = int(progress.recoveries_in_a_row) + 1
    kept = [(variable, variable.numpy()) for variable in (
        progress.learning_rate_scale, *progress.times.values())]
    if recoveries > config.max_recoveries:
      raise errors.TrainingFailed(
          f'training gave up at step {failed_step} after {recoveries - 1} recoveries '
          f'(recovery.max_recoveries): {reason}.')
    number = self.resume(go_back=True, go_further=in_a_row > 1)
    if number is None:
      raise errors.TrainingFailed(
          f'training failed at step {failed_step} and no checkpoint is left to go back to: '
          f'{reason}.')
    for variable, value in kept:
      variable.assign(value)
    scale = float(progress.learning_rate_scale) * config.learning_rate_factor**in_a_row
    progress.learning_rate_scale.assign(scale)
    progress.recoveries.assign(recoveries)
    progress.recoveries_in_a_row.assign(in_a_row)
    progress.data_seed.assign(self._config.seed + recoveries * _SEED_STRIDE)
    progress.bad_run.assign(0)
    progress.clear_window()
    return dict(step=failed_step, to_step=int(progress.step), checkpoint=f'ckpt-{number}',
                reason=reason, recoveries=recoveries, learning_rate_scale=scale)

  def _candidates(self, go_further):
    if not self._cluster.is_chief:
      return []
    found = self._checkpoints.usable()
    if not go_further:
      return (number for number, _ in found)
    found = list(found)
    newest = found[0][1]['step'] if found else 0
    return [number for number, info in sorted(
        found, key=lambda entry: (entry[1]['step'] >= newest, -entry[0]))]


def non_finite_variable(variables):
  """Name and shape of the first Variable that holds a NaN or an infinity, or None."""
  for variable in variables:
    if variable.dtype.is_floating and not bool(
        tf.reduce_all(tf.math.is_finite(variable.read_value()))):
      return f'{variable.name} of shape {variable.shape}'
  return None
