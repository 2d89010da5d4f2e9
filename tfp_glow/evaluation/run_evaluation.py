"""The evaluations of a run: test beside training images, the best one, early stopping."""

from tfp_glow.evaluation import evaluator as evaluator_lib

__all__ = ['RunEvaluation', 'describe']


class RunEvaluation:
  """Evaluates a run's average and keeps, in its state, which evaluation was the best.

  The best is chosen by the validation images. The test images are measured, and decide nothing;
  only runs of version 0.1 with early stopping, which had no others, choose by them.

  A model with classes is chosen by the bits/dim given the label, and its training images are
  measured so: that is what training lowers, it costs one pass and not one for each class, and runs
  of version 0.1 chose by it. Only of the test images are the bits/dim without the label too.

  Args:
    cluster: a `Cluster`.
    state: a `TrainState`.
    source: an `ImageSource`.
    config: `evaluation`, `early_stopping.patience`, `dataset.validation_percent`.
  """

  def __init__(self, cluster, state, source, config):
    self._cluster = cluster
    self._state = state
    self._source = source
    self._config = config.evaluation
    self._patience = config.early_stopping.patience
    self._choosing = None
    if config.dataset.validation_percent:
      self._choosing = 'validation'
    elif self._patience:
      self._choosing = 'test'
    self._suffix = '_given_label' if state.average.num_classes else ''
    self._evaluator = self._evaluator_of(state.average)
    self.last = None  # What the last call returned.

  @property
  def stops_early(self):
    """Whether as many evaluations as patience allows were no better than the best."""
    return 0 < self._patience <= int(self._state.progress.evals_since_best)

  @property
  def best(self):
    """The best evaluation so far: a dict of its `best_eval_bpd` (with classes
    `best_eval_bpd_given_label`), its `best_eval_step` and the split that it was chosen by; empty
    where none is chosen."""
    progress = self._state.progress
    if self._choosing is None or int(progress.best_eval_step) < 0:
      return {}
    return {f'best_eval_bpd{self._suffix}': float(progress.best_eval_bpd),
            'best_eval_step': int(progress.best_eval_step), 'best_eval_split': self._choosing}

  def __call__(self, step, interrupted):
    """Evaluates after a step, on `evaluation.max_images` of each split at most.

    Args:
      step: int.
      interrupted: as for `Evaluator`.

    Returns:
      What `Evaluator` returns for the test split; `num_test_images`, how many there are;
      `eval_train_bpd`, of as many training images without augmentation;
      `eval_validation_bpd` where there are such images; with classes these two end in
      `_given_label`. None, and nothing remembered, if interrupted.
    """
    most = self._config.max_images or None
    result = self._evaluator('test', most, interrupted)
    if result is None:
      return None
    result['num_test_images'] = self._source.num_examples('test')
    others = {'train': result['num_images']}
    if self._choosing == 'validation':
      others['validation'] = most
    for split, num_images in others.items():
      measured = self._evaluator(split, num_images, interrupted, given_label=True)
      if measured is None:
        return None
      result[f'eval_{split}_bpd{self._suffix}'] = measured[f'eval_bpd{self._suffix}']
    self._choose(step, result)
    self.last = {**result, **self.best}
    return self.last

  def final(self, step, interrupted):
    """Evaluates the weights that the run keeps on the whole test split.

    Args:
      step: int, the last one.
      interrupted: as for `Evaluator`.

    Returns:
      What `Evaluator` returns, `best` and, for the weights of another step, that step as
      `weights_of_step`. None if interrupted.
    """
    best = self.best if self._state.best is not None else {}
    weights_of_step = best.get('best_eval_step', step)
    if self.last is not None and weights_of_step == step and (
        self.last['num_images'] == self.last['num_test_images']):
      return self.last
    evaluator = self._evaluator
    if weights_of_step != step:
      evaluator = self._evaluator_of(self._state.best)
    result = evaluator('test', interrupted=interrupted)
    if result is None:
      return None
    others = {'weights_of_step': weights_of_step} if weights_of_step != step else {}
    return {**result, 'num_test_images': result['num_images'], **self.best, **others}

  def describe_stop(self):
    """Why `stops_early`, in a line."""
    best = self.best
    bits = best[f'best_eval_bpd{self._suffix}']
    return (f'stopped early, {self._patience} evaluations were not below {bits:.4f} bits/dim on '
            f'{best["best_eval_split"]} images at step {best["best_eval_step"]}, whose weights are '
            f'kept.')

  def _choose(self, step, result):
    """Remembers an evaluation, and its weights if it is the best."""
    progress = self._state.progress
    progress.last_eval_step.assign(step)
    if self._choosing is None:
      return
    progress.evals_since_best.assign_add(1)
    split = 'validation_' if self._choosing == 'validation' else ''
    bits = result[f'eval_{split}bpd{self._suffix}']
    if bits < float(progress.best_eval_bpd):
      progress.best_eval_bpd.assign(bits)
      progress.best_eval_step.assign(step)
      progress.evals_since_best.assign(0)
      self._state.remember_best()

  def _evaluator_of(self, model):
    return evaluator_lib.Evaluator(
        self._cluster, model, self._source, self._config.batch_size, self._config.noise_draws)


def describe(result):
  """What `RunEvaluation` returned, in a line."""
  num, whole = result['num_images'], result['num_test_images']
  text = f'{result["eval_bpd"]:.4f} +- {result["standard_error"]:.4f} bits/dim'
  suffix = ''
  if 'eval_bpd_given_label' in result:
    suffix = '_given_label'
    text += f' ({result["eval_bpd_given_label"]:.4f} given the label)'
  text += f' on {num:,} of {whole:,} test images' if num < whole else f' on {num:,} test images'
  if f'eval_validation_bpd{suffix}' in result:
    text += f', {result[f"eval_validation_bpd{suffix}"]:.4f} on validation images'
    text += ' given the label' if suffix else ''
  return text
