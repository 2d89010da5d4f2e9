"""The training loop."""

import contextlib
import math
import os

import tensorflow as tf

from tfp_glow import data
from tfp_glow import errors
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.evaluation import run_evaluation
from tfp_glow.runs import bad_batch
from tfp_glow.runs import clock as clock_lib
from tfp_glow.runs import config_check
from tfp_glow.runs import curves
from tfp_glow.runs import initial_weights
from tfp_glow.runs import labels as labels_lib
from tfp_glow.runs import metrics as metrics_lib
from tfp_glow.runs import opening
from tfp_glow.runs import pictures
from tfp_glow.runs import trained
from tfp_glow.training import bpd_rise
from tfp_glow.training import monitors as monitors_lib
from tfp_glow.training import recovery as recovery_lib
from tfp_glow.training import schedule
from tfp_glow.training import state as state_lib
from tfp_glow.training import stopping
from tfp_glow.training import train_step

__all__ = ['train']

_HELD_IMAGES = 16  # Of the test split, for the reconstruction monitor.


class _Drift(Exception):
  """Training went wrong in a way that a recovery may put right."""


def train(config, path, cluster, init_from=None, load_model=None):
  """Trains as a config says, from the start or from where the workdir stands.

  Args:
    config: a `ConfigDict` with the fields of `configs/base.py`; those that it lacks count as
      what the program did before it had them.
    path: str, the workdir.
    cluster: a `Cluster`.
    init_from: str or None, a workdir or an export whose fitting weights a new run begins with.
    load_model: callable that makes an `ImageModel` of such a path.

  Returns:
    The last evaluation's results, a dict, with `step` before them, or None if the
    run was finished already.

  Raises:
    UserError: for whatever the user can put right, such as images that cannot be had.
    TrainingFailed: if recovery gave up.
    Requeue: on SIGTERM or Ctrl-C, with everything saved.
    WorkerLost: if another worker of a multi-worker run is gone.
  """
  clock = clock_lib.Clock()
  report = metrics_lib.say if cluster.is_chief else lambda text: None
  run = opening.open_run(config, path, cluster, report, init_from)
  if run is None:
    return None
  try:
    with stopping.StopRequest() as stop, contextlib.closing(
        _Trainer(run, cluster, clock, stop, report)) as trainer:
      trainer.start(load_model)
      return trainer.run()
  except tf.errors.OpError as error:
    lost = cluster.lost_worker(error)
    if lost is None:
      raise
    raise lost from error
  finally:
    run.close()


class _Trainer:
  """The loop and all that it looks after; see `train`."""

  def __init__(self, run, cluster, clock, stop, report):
    self._open = run
    self._config = config = run.config
    self._workdir = run.workdir
    self._cluster = cluster
    self._clock = clock
    self._stop = stop
    self._report = report
    cluster.per_replica_batch(config.batch_size)
    report(f'Preparing the data set {config.dataset.name}.')
    self._source = source = data.load(config.dataset)
    labels_lib.check_labels(config, source)
    run.check_data(source, report)
    self._state = state = state_lib.TrainState(
        cluster, lambda: trained.make_model(config, source.image_shape),
        config.optimizer, config.seed, keep_best=config.early_stopping.patience > 0)
    report(f'{config.model.name} of {state.num_weights:,} weights on {cluster.devices}.')
    self._progress = state.progress
    self._learning_rate = schedule.make_schedule(config.optimizer, config.num_steps)
    self._train_step = train_step.make_train_step(cluster, state, config)
    held = next(iter(data.eval_batches(source, batch_size=_HELD_IMAGES)))
    self._monitors = monitors_lib.Monitors(
        state.model, held['image'], labels_lib.conditions_of(state.model, held),
        watch_levels=monitors_lib.has_reversible_levels(state.model.flow))
    self._rise = bpd_rise.BpdRise(config, state.progress)
    self._drifted = set()  # Levels that the user was warned of.
    self._evaluation = run_evaluation.RunEvaluation(cluster, state, source, config)
    self._sampler = pictures.Sampler(state.average, config.evaluation.batch_size)
    self._recovery = recovery_lib.Recovery(config, state, run.checkpoints, self._problem, cluster)
    self._logged = None  # Step and train_s of the last log line.
    self._metrics = self._result = self._saved = None
    self._checked_step = self._vote = self._last_vote = None

  def start(self, load_model):
    """Takes the run up where its newest good checkpoint stands, or begins it."""
    config, run, progress = self._config, self._open, self._progress
    if run.is_new:
      event = self._initialize(load_model)
    else:
      number = self._recovery.resume()
      if number is None:
        raise errors.UserError(
            f'no checkpoint in {self._workdir.checkpoints} can be used, and nothing was changed; '
            f'put one back from a backup, or choose another --workdir to start anew.')
      self._saved = self._mark()
      self._report(f'Continuing the run in {self._workdir.path} from ckpt-{number}, step '
                   f'{int(progress.step)} of {config.num_steps}.')
      event = dict(event='resume', checkpoint=f'ckpt-{number}')
      event.update({'changed': run.changes} if run.changes else {})
    self._logged = int(progress.step), float(progress.train_s)
    if self._cluster.is_chief:
      run.origin.write(self._source, run.init_from, config.model.num_classes > 0)
      self._workdir.write_config(config)
    self._metrics = metrics_lib.Metrics(
        self._workdir, config.num_steps, int(progress.step), self._cluster.is_chief)
    self._lap()
    if run.is_new:
      self._save()
    if event:
      self._metrics.write(int(progress.step), self._times(), **event)
    if not self._is_last(int(progress.step)):
      self._metrics.say('Tracing the training step.')

  def run(self):
    """Trains to the end and returns the last evaluation's results."""
    while True:
      try:
        self._run()
        return self._result
      except _Drift as drift:
        self._recover(str(drift))

  def close(self):
    """Ends the bar, so that what is said next has a line of its own."""
    if self._metrics is not None:
      self._metrics.close()

  def _run(self):
    """Steps until the end, or until a `_Drift`."""
    step = int(self._progress.step)
    batches = iter(self._batches(step))
    no, yes = tf.constant(0.), tf.constant(1.)
    while True:
      if step:
        # A resumed run comes here first, and catches up with what was cut off.
        self._after(step)
      if self._must_stop():
        self._requeue()
      if self._is_last(step):
        return
      batch = next(batches)
      vote = self._train_step(batch['image'], yes if self._stop else no, self._conditions(batch))
      # Looking at the vote before the last one does not wait for the device.
      self._vote, self._last_vote = vote, self._vote
      step += 1
      self._metrics.step(step)

  def _after(self, step):
    """What is due after a step."""
    config = self._config
    due = lambda every: self._is_last(step) or (every > 0 and step % every == 0)
    if due(min(config.log_every, config.recovery.max_bad_steps)):
      self._check_bad_run()
    if due(config.log_every):
      self._log(step)
    if due(config.eval_every):
      self._evaluate(step)
    if self._is_last(step):
      self._finish(step)
    if due(config.sample_every):
      self._sample(step)
    is_healthy = self._is_last(step) or not self._rise.is_suspected
    if due(config.checkpoint_every) and is_healthy and self._saved != self._mark():
      self._check_monitors(step)
      self._progress.recoveries_in_a_row.assign(0)
      self._save()

  def _is_last(self, step):
    return step >= self._config.num_steps or self._evaluation.stops_early

  def _initialize(self, load_model):
    """The first weights: data-dependent from the first batch, or those of `init_from`.

    Returns:
      Of the latter, a description for the log, else None.
    """
    progress, replicas, path = self._progress, self._cluster.num_replicas, self._open.init_from
    batch = next(iter(self._batches(0)))
    images = batch['image']
    noise = self._cluster.strategy.run(
        lambda images: noise_lib.replica_noise(progress.data_seed, 0, images, replicas), (images,))
    given = (images, noise, self._conditions(batch))
    if path is None:
      self._state.initialize(*given)
      return None
    taken, missing = self._state.initialize(*given, initial=load_model(path))
    self._report(initial_weights.describe(path, taken, missing))
    return dict(event='init_from', path=path, taken=len(taken), missing=missing)

  def _conditions(self, batch):
    return labels_lib.conditions_of(self._state.model, batch)

  def _batches(self, step):
    seed = int(self._progress.data_seed)
    return self._cluster.distribute(lambda index, count: data.train_batches(
        self._source, batch_size=self._config.batch_size, seed=seed, start_step=step,
        shard_index=index, num_shards=count))

  def _log(self, step):
    progress, config = self._progress, self._config
    good, bad = int(progress.window_good), int(progress.window_bad)
    if not good + bad:
      return
    self._lap()
    readings = self._monitors()
    bits_per_dim = float(progress.window_bpd) / good if good else math.nan
    if good and math.isfinite(self._rise.reference):
      readings['bpd_rise'] = bits_per_dim - self._rise.reference
    problems = monitors_lib.drift(readings, config.recovery), self._rise.judge(
        is_last=step >= config.num_steps)
    last_step, last_s = self._logged
    self._logged = step, float(progress.train_s)
    images_per_s = (step - last_step) * config.batch_size / max(self._logged[1] - last_s, 1e-9)
    rate = self._learning_rate(step - 1) * float(progress.learning_rate_scale)
    self._metrics.write(step, {
        **self._times(), 'train_bpd': bits_per_dim, 'learning_rate': float(rate),
        'grad_norm': float(progress.window_grad_norm), 'bad_steps': bad,
        'images_per_s': images_per_s, **readings})
    self._metrics.show(bits_per_dim, images_per_s)
    progress.clear_window()
    self._checked_step = step
    self._raise_drift('; '.join(filter(None, problems)) or None)
    self._warn_of_drifted_levels(step, readings)

  def _warn_of_drifted_levels(self, step, readings):
    """Says once of each reversible level that its gradients have lost precision."""
    limit = self._config.recovery.max_level_drift
    drifts = monitors_lib.level_drifts(readings)
    for i in monitors_lib.drifted_levels(drifts, limit) - self._drifted:
      self._drifted.add(i)
      self._metrics.write(step, self._times(), event='level_drift', level=i, drift=drifts[i])
      self._metrics.say(
          f'Warning: at step {step} reversible level {i} recovers its input only to '
          f'{drifts[i]:.2g}, above recovery.max_level_drift={limit:g}, and its gradients are no '
          f'more exact than that. To keep activations instead, stop the run and continue it '
          f'with --config.model.reversible=False')

  def _evaluate(self, step):
    if int(self._progress.last_eval_step) == step:
      return
    self._lap()
    result = self._evaluation(step, self._interrupted)
    self._lap('evaluation')
    if result is None:
      return
    self._metrics.write(step, {**self._times(), **result})
    self._metrics.say(f'step {step}: {run_evaluation.describe(result)}')
    if self._evaluation.stops_early:
      self._metrics.write(step, self._evaluation.best, event='early_stop')
      self._metrics.say(f'step {step}: {self._evaluation.describe_stop()}')

  def _finish(self, step):
    """Measures what the run leaves behind on the whole test split."""
    if self._result is not None:
      return
    self._lap()
    result = self._evaluation.final(step, self._interrupted)
    self._lap('evaluation')
    if result is None:
      return
    self._result = {'step': step, **result}
    if result is not self._evaluation.last:
      self._metrics.write(step, {**self._times(), **result}, event='final')
      self._metrics.say(f'The weights of step {result.get("weights_of_step", step)}: '
                        f'{run_evaluation.describe(result)}')
    if self._cluster.is_chief:  # Before the last checkpoint, after which nothing is made up for.
      curves.save_curves(self._workdir.curves, self._workdir.metrics_file)

  def _interrupted(self):
    # Workers must stay in step, so only a single process breaks off.
    return self._cluster.num_workers == 1 and bool(self._stop)

  def _sample(self, step):
    path = os.path.join(self._workdir.samples, f'step_{step:06d}.png')
    if not self._cluster.is_chief or os.path.lexists(path):
      return
    self._lap()
    sampling = self._config.sampling
    image = self._sampler.grid(sampling.num_samples, sampling.temperature, self._config.seed)
    pictures.save_png(path, image)
    self._metrics.picture(step, 'samples', image)
    self._lap('sampling')

  def _save(self):
    self._lap()
    step, *_ = self._saved = self._mark()
    if self._cluster.is_chief:
      info = dict(step=step, finished=self._is_last(step) and self._result is not None,
                  config=config_check.fixed_fields(self._config))
      best = self._evaluation.best
      if self._state.best is not None and best:
        info.update(best_step=best['best_eval_step'], stopped_early=self._evaluation.stops_early)
      self._open.checkpoints.save(self._state.items(), info)
      self._lap('checkpoint')

  def _check_bad_run(self):
    bad = int(self._progress.bad_run)
    if bad >= self._config.recovery.max_bad_steps:
      self._raise_drift(f'{bad} steps in a row had a non-finite loss or gradient')

  def _check_monitors(self, step):
    if self._checked_step != step:
      self._checked_step = step
      self._raise_drift(monitors_lib.drift(self._monitors(), self._config.recovery))

  def _raise_drift(self, problem):
    """Raises `_Drift` on all workers if the chief has a problem."""
    if self._cluster.chief_value(problem is not None):
      raise _Drift(problem or 'the chief found training unhealthy')

  def _problem(self):
    """Why the state that a checkpoint gave cannot be trained on, or None."""
    name = recovery_lib.non_finite_variable(self._state.weights())
    if name is not None:
      return f'{name} is not finite'
    return monitors_lib.drift(self._monitors(), self._config.recovery)

  def _recover(self, reason):
    self._lap()
    try:
      event = self._recovery.go_back(reason)
    except errors.TrainingFailed as failure:
      self._give_up(failure, reason)
    step = event.pop('step')
    self._logged = (event['to_step'], float(self._progress.train_s))
    self._vote = self._last_vote = self._checked_step = self._result = None
    self._metrics.write(step, self._times(), event='recovery', **event)
    self._metrics.say(
        f'step {step}: {reason}. Recovery {event["recoveries"]}: back to step '
        f'{event["to_step"]} ({event["checkpoint"]}) with another data order and the learning '
        f'rate times {event["learning_rate_scale"]:.3g}.')
    self._metrics.step(event['to_step'])
    self._save()

  def _give_up(self, failure, reason):
    progress = self._progress
    step = int(progress.step)
    number = int(progress.last_bad_step) if int(progress.bad_run) else step - 1
    self._metrics.write(step, self._times(), event='gave_up', reason=reason)
    saved = self._cluster.is_chief and bad_batch.save_batch(
        self._workdir.path, self._source, batch_size=self._config.batch_size,
        seed=int(progress.data_seed), number=number, reason=reason)
    raise errors.TrainingFailed(
        f'{failure}' + (f' The batch is saved in {saved}.' if saved else '')) from failure

  def _must_stop(self):
    if self._cluster.num_workers == 1:
      return bool(self._stop)
    return self._last_vote is not None and float(self._last_vote) > 0

  def _requeue(self):
    step = int(self._progress.step)
    if self._saved != self._mark():
      self._check_monitors(step)
      self._save()
    raise errors.Requeue(f'stopped by {self._stop.signal_name or "another worker"} at step {step} '
                         f'with everything saved; run the same command to continue.')

  def _mark(self):
    """What a checkpoint of the present state would add to the last one."""
    return int(self._progress.step), int(self._progress.last_eval_step), self._result is not None

  def _lap(self, kind='train'):
    self._clock.lap(self._progress, kind)

  def _times(self):
    return clock_lib.rounded(self._progress)

