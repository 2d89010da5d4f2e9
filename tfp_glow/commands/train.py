"""--mode=train: trains to the end, then exports."""

import json

from tfp_glow import training
from tfp_glow.commands import export
from tfp_glow.runs import metrics

__all__ = ['run']


def run(config, path, cluster):
  """Trains a run from where it stands, prints its last evaluation, and exports it.

  Args:
    config: a config.
    path: str, the workdir.
    cluster: a `Cluster`.

  Raises:
    UserError: see `training.train` and `commands.export.run`.
  """
  result = training.train(config, path, cluster)
  if not cluster.is_chief:
    return
  if result:
    print(json.dumps(result), flush=True)  # Before the export, which takes a while and may fail.
  exported = export.export_run(config, path, exists_ok=True)
  if exported:
    metrics.say(f'Exported to {exported}.')
