"""Everything that a run has to remember."""

import tensorflow as tf

from tfp_glow.runs import initial_weights
from tfp_glow.training import average as average_lib
from tfp_glow.training import optimizer as optimizer_lib

__all__ = ['Progress', 'TrainState']


class Progress(tf.Module):
  """The numbers of a run, each a scalar Variable that a checkpoint holds.

  Attributes:
    step: int64, steps done, failed ones included: the next batch's number.
    data_seed: int64, seeds the order of the images, the augmentation and the
      noise together with the step. A recovery changes it.
    bad_run: int64, failed steps since the last good one.
    last_bad_step: int64, the number of the last failed step's batch, or -1.
    recoveries: int64, recoveries so far; recoveries_in_a_row: those since the
      last checkpoint that training reached by itself.
    learning_rate_scale: float32, what recoveries multiplied the learning rate by.
    first_bpd: float64, training bits/dim of the first good batch; inf before it.
    lowest_bpd, previous_bpd: float64, the lowest and the last mean of a window of
      `BpdRise`, inf before there was one; windows_above: int64, see there.
    rise_*: sums over the good steps of the present window; rise_threshold: float64, bits/dim
      above which a step counts into rise_high.
    best_eval_bpd, best_eval_step: the best evaluation so far (inf, -1 before it);
      evals_since_best: int64, evaluations since then.
    last_eval_step: int64, the step of the last evaluation, or -1.
    wall_s: float64, seconds so far; train_s, evaluation_s, sampling_s, checkpoint_s: those of
      them that went into each of these.
    window_*: sums since the last log line.
  """

  def __init__(self, seed):
    super().__init__(name='progress')
    self.step = _scalar(0, tf.int64, 'step')
    self.data_seed = _scalar(seed, tf.int64, 'data_seed')
    self.bad_run = _scalar(0, tf.int64, 'bad_run')
    self.last_bad_step = _scalar(-1, tf.int64, 'last_bad_step')
    self.recoveries = _scalar(0, tf.int64, 'recoveries')
    self.recoveries_in_a_row = _scalar(0, tf.int64, 'recoveries_in_a_row')
    self.learning_rate_scale = _scalar(1., tf.float32, 'learning_rate_scale')
    self.first_bpd = _scalar(float('inf'), tf.float64, 'first_bpd')
    self.lowest_bpd = _scalar(float('inf'), tf.float64, 'lowest_bpd')
    self.previous_bpd = _scalar(float('inf'), tf.float64, 'previous_bpd')
    self.windows_above = _scalar(0, tf.int64, 'windows_above')
    self.rise_bpd = _scalar(0., tf.float64, 'rise_bpd')
    self.rise_good = _scalar(0, tf.int64, 'rise_good')
    self.rise_high = _scalar(0, tf.int64, 'rise_high')
    self.rise_threshold = _scalar(float('inf'), tf.float64, 'rise_threshold')
    self.best_eval_bpd = _scalar(float('inf'), tf.float64, 'best_eval_bpd')
    self.best_eval_step = _scalar(-1, tf.int64, 'best_eval_step')
    self.evals_since_best = _scalar(0, tf.int64, 'evals_since_best')
    self.last_eval_step = _scalar(-1, tf.int64, 'last_eval_step')
    self.wall_s = _scalar(0., tf.float64, 'wall_s')
    self.train_s = _scalar(0., tf.float64, 'train_s')
    self.evaluation_s = _scalar(0., tf.float64, 'evaluation_s')
    self.sampling_s = _scalar(0., tf.float64, 'sampling_s')
    self.checkpoint_s = _scalar(0., tf.float64, 'checkpoint_s')
    self.window_bpd = _scalar(0., tf.float64, 'window_bpd')
    self.window_good = _scalar(0, tf.int64, 'window_good')
    self.window_bad = _scalar(0, tf.int64, 'window_bad')
    self.window_grad_norm = _scalar(0., tf.float32, 'window_grad_norm')

  @property
  def times(self):
    """The Variables that count seconds, by name."""
    return {name: getattr(self, name) for name in (
        'wall_s', 'train_s', 'evaluation_s', 'sampling_s', 'checkpoint_s')}

  def note_bpd(self, bits):
    """Adds the training bits/dim of a good step to the sums; traced with it."""
    bits = tf.cast(bits, tf.float64)
    self.window_bpd.assign_add(bits)
    self.window_good.assign_add(1)
    self.rise_bpd.assign_add(bits)
    self.rise_good.assign_add(1)
    self.rise_high.assign_add(tf.cast(bits > self.rise_threshold, tf.int64))
    self.first_bpd.assign(tf.where(tf.math.is_inf(self.first_bpd), bits, self.first_bpd))

  def clear_window(self):
    _clear(self.window_bpd, self.window_good, self.window_bad, self.window_grad_norm)

  def begin_rise(self, threshold):
    """Begins another window of `BpdRise`."""
    _clear(self.rise_bpd, self.rise_good, self.rise_high)
    self.rise_threshold.assign(threshold)


class TrainState:
  """Weights, their average, optimizer slots and progress of a run.

  Args:
    cluster: a `Cluster`; the Variables are made in its strategy's scope.
    make_model: callable without arguments that returns an `ImageModel`.
    optimizer_config: see `Optimizer`.
    seed: int.
    keep_best: bool, whether to remember the average of the best evaluation too,
      as `best`, at the cost of its memory. In every checkpoint, so that it always
      belongs to the progress that stands beside it.
  """

  def __init__(self, cluster, make_model, optimizer_config, seed, keep_best=False):
    with cluster.strategy.scope():
      self.model = make_model()
      self.average = make_model()
      self.best = make_model() if keep_best else None
      self.optimizer = optimizer_lib.Optimizer(optimizer_config, self.model.trainable_variables)
    # Outside the scope: replicas only read these, and one copy is enough.
    self.progress = Progress(seed)
    self._cluster = cluster

  @property
  def num_weights(self):
    """How many numbers the model learns."""
    return sum(variable.shape.num_elements() for variable in self.model.trainable_variables)

  def initialize(self, images, noise, conditions=None, initial=None):
    """Data-dependent initialisation over the global batch.

    Args:
      images, noise: this process's values for its replicas.
      conditions: None or a dict of such values by the names of the model's conditions.
      initial: None or an `ImageModel`, whose weights are taken as they are where they fit.

    Returns:
      What `take_weights` does; None without `initial`.
    """
    strategy = self._cluster.strategy
    taken = initial and initial_weights.take_weights(initial, self.model)

    @tf.function(autograph=False)
    def initialize(images, noise, conditions):
      strategy.run(self.model.initialize, args=(images, noise), kwargs=conditions)

    if taken is None or taken[1]:
      initialize(images, noise, conditions or {})
      taken = initial and initial_weights.take_weights(initial, self.model)
    average_lib.copy_variables(self.model, self.average)
    self.remember_best()
    return taken

  def remember_best(self):
    """Makes the present average the best one, where that is kept."""
    if self.best is not None:
      average_lib.copy_variables(self.average, self.best)

  def restore(self, checkpoints, number):
    """Reads a checkpoint. What the version that wrote it did not remember begins anew.

    Args:
      checkpoints: a `CheckpointStore`.
      number: int, which of its checkpoints.

    Raises:
      UserError: if it is of another model or cannot be read.
    """
    known = checkpoints.names(number, 'progress')
    fresh = Progress(0)
    for name, variable in vars(fresh).items():
      if isinstance(variable, tf.Variable) and name not in known:
        getattr(self.progress, name).assign(variable)
    progress = {name: variable for name, variable in vars(self.progress).items() if name in known}
    checkpoints.restore({**self.items(), 'progress': progress}, number)

  def items(self):
    """What a checkpoint holds, by name."""
    items = dict(model=self.model, average=self.average,
                 slots=self.optimizer.variables, progress=self.progress)
    return items if self.best is None else dict(items, best=self.best)

  def weights(self):
    """Every Variable that training moves, and the fixed ones of the model."""
    return [*self.model.variables, *self.average.variables, *self.optimizer.variables]


def _clear(*variables):
  for variable in variables:
    variable.assign(tf.zeros([], variable.dtype))


def _scalar(value, dtype, name):
  return tf.Variable(value, dtype=dtype, trainable=False, name=name)
