"""The evaluations of a run: test beside training images, the best one, early stopping."""

from tfp_glow.evaluation import evaluator as evaluator_lib

__all__ = ['RunEvaluation']


class RunEvaluation:
  """Evaluates a run's average and keeps, in its state, which evaluation was the best.

  Args:
    cluster: a `Cluster`.
    state: a `TrainState`.
    source: an `ImageSource`.
    config: `evaluation`, `early_stopping.patience`.
  """

  def __init__(self, cluster, state, source, config):
    self._state = state
    self._patience = config.early_stopping.patience
    self._evaluator = evaluator_lib.Evaluator(
        cluster, state.average, source, config.evaluation.batch_size,
        config.evaluation.noise_draws)
    # As many images as the test split has, without augmentation, under the same weights.
    self._num_train = source.num_examples('test')

  @property
  def stops_early(self):
    """Whether as many evaluations as patience allows were no better than the best."""
    return 0 < self._patience <= int(self._state.progress.evals_since_best)

  @property
  def best(self):
    """`best_eval_bpd` and `best_eval_step` so far, inf and -1 before the first."""
    progress = self._state.progress
    return {'best_eval_bpd': float(progress.best_eval_bpd),
            'best_eval_step': int(progress.best_eval_step)}

  def __call__(self, step, interrupted):
    """Evaluates after a step.

    Args:
      step: int.
      interrupted: as for `Evaluator`.

    Returns:
      What `Evaluator` returns for the test split, and `eval_train_bpd`. None, and
      nothing remembered, if interrupted.
    """
    result = self._evaluator(interrupted=interrupted)
    train_result = result and self._evaluator('train', self._num_train, interrupted)
    if train_result is None:
      return None
    result['eval_train_bpd'] = train_result['eval_bpd']
    progress = self._state.progress
    progress.last_eval_step.assign(step)
    progress.evals_since_best.assign_add(1)
    if result['eval_bpd'] < float(progress.best_eval_bpd):
      progress.best_eval_bpd.assign(result['eval_bpd'])
      progress.best_eval_step.assign(step)
      progress.evals_since_best.assign(0)
      self._state.remember_best()
    return result
