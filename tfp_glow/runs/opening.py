"""Opens a workdir for training: what stands in the way is said before anything is built."""

import dataclasses

import ml_collections

from tfp_glow import errors
from tfp_glow.runs import checkpoint as checkpoint_lib
from tfp_glow.runs import config_versions
from tfp_glow.runs import ending
from tfp_glow.runs import evaluations
from tfp_glow.runs import origin as origin_lib
from tfp_glow.runs import workdir as workdir_lib

__all__ = ['OpenRun', 'open_run']


@dataclasses.dataclass
class OpenRun:
  """A run that this process may train.

  Attributes:
    config: its `ConfigDict`, with all fields.
    workdir: its `Workdir`, locked by the chief.
    checkpoints: its `CheckpointStore`.
    origin: its `Origin`.
    is_new: bool, whether it has no checkpoint yet.
    changes: list of str, adjustable fields that differ from before, as `name: old -> new`.
    init_from: str or None, the workdir or export whose weights it begins or began with.
  """

  config: ml_collections.ConfigDict
  workdir: workdir_lib.Workdir
  checkpoints: checkpoint_lib.CheckpointStore
  origin: origin_lib.Origin
  is_new: bool = False
  changes: list = dataclasses.field(default_factory=list)
  init_from: str = None

  def check_data(self, source, report):
    """Refuses other data than those of the run, and says what else has changed.

    Args:
      source: an `ImageSource`.
      report: callable that shows the user one line.

    Raises:
      UserError: for another data set.
    """
    changed = None if self.is_new else self.origin.check_data(source)
    if changed:
      report(changed)
      self.changes.append(changed)

  def close(self):
    """Lets other processes train it."""
    self.workdir.unlock()


def open_run(config, path, cluster, report, init_from=None):
  """Opens a workdir for training. The caller closes it.

  Args:
    config: a `ConfigDict`.
    path: str, the workdir, which is made where it is missing.
    cluster: a `Cluster`. The chief decides; the others follow.
    report: callable that shows the user one line.
    init_from: str or None, a workdir or an export whose weights a new run begins with.

  Returns:
    An `OpenRun`, or None for a run that is finished.

  Raises:
    UserError: for a config that makes no sense or is not the run's, checkpoints that are gone,
      a folder that cannot be written, or one in which another process trains.
  """
  config = config_versions.complete(config, training=True)
  workdir = workdir_lib.Workdir(path)
  changes = workdir.check(config)
  checkpoints = checkpoint_lib.CheckpointStore(workdir.checkpoints, report)
  run = OpenRun(config, workdir, checkpoints, origin_lib.Origin(workdir), changes=changes)
  ended = ending.ending(config, checkpoints) if cluster.is_chief else None
  if cluster.chief_value(ended is not None):
    report(f'The run in {workdir.path} is finished ({ended}) and is left as it is; use '
           f'--mode=evaluate, sample or interpolate.')
    return None
  run.is_new = bool(cluster.chief_value(checkpoints.is_new()))
  run.init_from = init_from if run.is_new and init_from else run.origin.check_init_from(init_from)
  _check_early_stopping(run, report)
  if cluster.is_chief and not run.is_new and config.model.num_classes and (
      evaluations.last_is_given_label(workdir.metrics_file)):
    report(f'In metrics.jsonl another figure has a name from here on, {evaluations.RENAMED}.')
    changes.append(evaluations.RENAMED)
  try:
    if cluster.is_chief:
      if run.is_new:
        _check_not_gone(workdir)
        workdir.prepare()
      else:
        workdir.lock()
      if not run.is_new:
        number, info = next(checkpoints.usable(), (None, {}))
        config_versions.check_recorded(info.get('config'), config, f'ckpt-{number}')
  except errors.UserError:
    run.close()
    raise
  return run


def _check_not_gone(workdir):
  if workdir.has_trained():
    raise errors.UserError(
        f'the checkpoints of the run in {workdir.path} are gone; put {workdir.checkpoints} back '
        f'from a backup, or choose another --workdir to start anew.')


def _check_early_stopping(run, report):
  patience = run.config.early_stopping.patience
  if not patience or run.config.dataset.validation_percent:
    return
  if run.is_new:
    raise errors.UserError(
        f'early_stopping.patience={patience} needs images to choose the best weights by that are '
        f'neither trained on nor reported: set dataset.validation_percent=10, say, or '
        f'early_stopping.patience=0.')
  report('The run chooses its best weights by the test images, as it began; their bits/dim are '
         'lower than those of images that had no part in it would be.')
