"""--mode=train: trains to the end, then exports."""

import json
import os

from tfp_glow import serving
from tfp_glow import training
from tfp_glow.commands import export
from tfp_glow.runs import metrics

__all__ = ['run']


def run(config, path, cluster, init_from=None):
  """Trains a run from where it stands, prints its last evaluation, and exports it.

  Args:
    config: a config.
    path: str, the workdir.
    cluster: a `Cluster`.
    init_from: str or None, a workdir or an export whose weights a new run begins with.

  Raises:
    UserError: see `training.train` and `commands.export.run`.
  """
  result = training.train(
      config, path, cluster, init_from and os.path.expanduser(init_from), serving.load)
  if not cluster.is_chief:
    return
  if result:
    print(json.dumps(result), flush=True)  # Before the export, which takes a while and may fail.
  exported = export.export_run(config, path, exists_ok=True)
  if exported:
    metrics.say(f'Exported to {exported}.')
