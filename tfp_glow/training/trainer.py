"""The training loop."""

import math
import os

import tensorflow as tf

from tfp_glow import data
from tfp_glow import errors
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.evaluation import run_evaluation
from tfp_glow.runs import bad_batch
from tfp_glow.runs import checkpoint
from tfp_glow.runs import config_versions
from tfp_glow.runs import curves
from tfp_glow.runs import ending
from tfp_glow.runs import files
from tfp_glow.runs import labels as labels_lib
from tfp_glow.runs import metrics as metrics_lib
from tfp_glow.runs import pictures
from tfp_glow.runs import trained
from tfp_glow.runs import workdir as workdir_lib
from tfp_glow.training import bpd_rise
from tfp_glow.training import clock as clock_lib
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


def train(config, path, cluster):
  """Trains as a config says, from the start or from where the workdir stands.

  Args:
    config: a `ConfigDict` with the fields of `configs/base.py`; those that it lacks count as
      what the program did before it had them.
    path: str, the workdir.
    cluster: a `Cluster`.

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
  config = config_versions.complete(config, training=True)
  cluster.per_replica_batch(config.batch_size)
  workdir = workdir_lib.Workdir(path)
  changes = workdir.check(config)
  report = metrics_lib.say if cluster.is_chief else lambda text: None
  checkpoints = checkpoint.CheckpointStore(workdir.checkpoints, report)
  try:
    ended = ending.ending(config, checkpoints) if cluster.is_chief else None
    if cluster.chief_value(ended is not None):
      report(f'The run in {path} is finished ({ended}) and is left as it is; use '
             f'--mode=evaluate, sample or interpolate.')
      return None
    if cluster.is_chief:
      if checkpoints.is_new():
        if workdir.has_trained():
          raise errors.UserError(
              f'the checkpoints of the run in {workdir.path} are gone; put {workdir.checkpoints} '
              f'back from a backup, or choose another --workdir to start anew.')
        workdir.prepare()
      workdir.lock()
    with stopping.StopRequest() as stop:
      trainer = _Trainer(config, workdir, checkpoints, cluster, clock, stop)
      trainer.start(changes, report)
      return trainer.run()
  except tf.errors.OpError as error:
    lost = cluster.lost_worker(error)
    if lost is None:
      raise
    raise lost from error
  finally:
    workdir.unlock()


class _Trainer:
  """The loop and all that it looks after; see `train`."""

  def __init__(self, config, workdir, checkpoints, cluster, clock, stop):
    self._config = config
    self._workdir = workdir
    self._checkpoints = checkpoints
    self._cluster = cluster
    self._clock = clock
    self._stop = stop
    self._source = source = data.load(config.dataset)
    labels_lib.check_labels(config, source)
    self._state = state = state_lib.TrainState(
        cluster, lambda: trained.make_model(config, source.image_shape),
        config.optimizer, config.seed, keep_best=config.early_stopping.patience > 0)
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
    self._recovery = recovery_lib.Recovery(config, state, checkpoints, self._problem, cluster)
    self._result = None
    self._saved = self._checked_step = None
    self._logged = None  # Step and train_s of the last log line.
    self._vote = self._last_vote = None

  def start(self, changes, report):
    """Takes the run up where its newest good checkpoint stands, or begins it."""
    config, path, progress = self._config, self._workdir.path, self._progress
    is_new = bool(self._cluster.chief_value(self._checkpoints.is_new()))
    if is_new:
      self._initialize()
    else:
      number = self._recovery.resume()
      if number is None:
        raise errors.UserError(
            f'no checkpoint in {self._workdir.checkpoints} can be used, and nothing was changed; '
            f'put one back from a backup, or choose another --workdir to start anew.')
      self._saved = self._mark()
      report(f'Continuing the run in {path} from ckpt-{number}, step {int(progress.step)} of '
             f'{config.num_steps}.')
    self._logged = int(progress.step), float(progress.train_s)
    if self._cluster.is_chief:
      self._workdir.write_config(config)
    self._metrics = metrics_lib.Metrics(
        self._workdir, config.num_steps, int(progress.step), self._cluster.is_chief)
    self._lap()
    if is_new:
      self._save()
    else:
      self._metrics.write(
          int(progress.step), self._times(), event='resume', checkpoint=f'ckpt-{number}',
          **({'changed': changes} if changes else {}))

  def run(self):
    """Trains to the end and returns the last evaluation's results."""
    try:
      while True:
        try:
          self._run()
          break
        except _Drift as drift:
          self._recover(str(drift))
    finally:
      self._metrics.close()
    if self._cluster.is_chief:
      curves.save_curves(self._workdir.curves, self._workdir.metrics_file)
    return self._result

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
    if due(config.sample_every):
      self._sample(step)
    is_healthy = self._is_last(step) or not self._rise.is_suspected
    if due(config.checkpoint_every) and is_healthy and self._saved != self._mark():
      self._check_monitors(step)
      self._progress.recoveries_in_a_row.assign(0)
      self._save()

  def _is_last(self, step):
    return step >= self._config.num_steps or self._evaluation.stops_early

  def _initialize(self):
    """Data-dependent initialisation from the first batch."""
    progress, replicas = self._progress, self._cluster.num_replicas
    batch = next(iter(self._batches(0)))
    images = batch['image']
    noise = self._cluster.strategy.run(
        lambda images: noise_lib.replica_noise(progress.data_seed, 0, images, replicas), (images,))
    self._state.initialize(images, noise, self._conditions(batch))

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
    last_step, last_train_s = self._logged
    train_s = float(progress.train_s)
    images_per_s = (step - last_step) * config.batch_size / max(train_s - last_train_s, 1e-9)
    self._logged = step, train_s
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
    # Workers must stay in step, so only a single process breaks off.
    alone = self._cluster.num_workers == 1
    result = self._evaluation(step, lambda: alone and bool(self._stop))
    self._lap('evaluation')
    if result is None:
      return
    best = self._evaluation.best
    self._metrics.write(step, {
        **self._times(), **result, 'best_eval_bpd': best['best_eval_bpd']})
    self._metrics.say(
        f'step {step}: {result["eval_bpd"]:.4f} +- {result["standard_error"]:.4f} bits/dim on '
        f'{result["num_images"]} test images')
    self._result = {'step': step, **result}
    if self._state.best is None:
      return
    self._result.update(best)
    if self._evaluation.stops_early:
      self._metrics.write(step, best, event='early_stop')
      self._metrics.say(
          f'step {step}: stopped early, {self._config.early_stopping.patience} evaluations were '
          f'not below {best["best_eval_bpd"]:.4f} bits/dim at step {best["best_eval_step"]}, '
          f'whose weights are kept.')

  def _sample(self, step):
    path = os.path.join(self._workdir.samples, f'step_{step:06d}.png')
    if not self._cluster.is_chief or os.path.exists(path):
      return
    self._lap()
    sampling = self._config.sampling
    image = self._sampler.grid(sampling.num_samples, sampling.temperature, self._config.seed)
    pictures.save_png(path, image)
    self._metrics.picture(step, 'samples', image)
    self._lap('sampling')

  def _save(self):
    self._lap()
    step, evaluated = self._saved = self._mark()
    if self._cluster.is_chief:
      info = dict(step=step, finished=self._is_last(step) and evaluated == step)
      best_step = self._evaluation.best['best_eval_step']
      if self._state.best is not None and best_step >= 0:
        info.update(best_step=best_step, stopped_early=self._evaluation.stops_early)
      self._checkpoints.save(self._state.items(), info)
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
    self._vote = self._last_vote = self._checked_step = None
    self._metrics.write(step, self._times(), event='recovery', **event)
    self._metrics.say(
        f'step {step}: {reason}. Recovery {event["recoveries"]}: back to step '
        f'{event["to_step"]} ({event["checkpoint"]}) with another data order and the learning '
        f'rate times {event["learning_rate_scale"]:.3g}.')
    self._metrics.step(event['to_step'])
    self._save()

  def _give_up(self, failure, reason):
    progress = self._progress
    step, number = int(progress.step), int(progress.last_bad_step)
    number = number if int(progress.bad_run) else step - 1
    path = files.unused_name(os.path.join(self._workdir.path, f'bad_batch_step_{number}.npz'))
    self._metrics.write(step, self._times(), event='gave_up', reason=reason)
    if self._cluster.is_chief:
      with files.one_line_errors(path):
        bad_batch.save_batch(
            path, self._source, batch_size=self._config.batch_size,
            seed=int(progress.data_seed), number=number, reason=reason)
    raise errors.TrainingFailed(f'{failure} The batch is saved in {path}.') from failure

  def _must_stop(self):
    if self._cluster.num_workers == 1:
      return bool(self._stop)
    return self._last_vote is not None and float(self._last_vote) > 0

  def _requeue(self):
    step = int(self._progress.step)
    if self._saved != self._mark():
      self._check_monitors(step)
      self._save()
    self._metrics.close()
    raise errors.Requeue(f'stopped by {self._stop.signal_name or "another worker"} at step {step} '
                         f'with everything saved; run the same command to continue.')

  def _mark(self):
    """What a checkpoint of the present state would add to the last one."""
    return int(self._progress.step), int(self._progress.last_eval_step)

  def _lap(self, kind='train'):
    self._clock.lap(self._progress, kind)

  def _times(self):
    return {name: round(float(variable), 3) for name, variable in self._progress.times.items()}
