"""Whether a run is finished, and how it ended."""

__all__ = ['ending']


def ending(config, checkpoints):
  """How a run that is finished ended, in some words; None for one that is not.

  Args:
    config: a config, of whose `num_steps` the run may have more to do.
    checkpoints: a `CheckpointStore`.
  """
  _, info = next(checkpoints.usable(), (None, {}))
  if not info.get('finished', False):
    return None
  if info.get('stopped_early', False):
    return f'stopped early after step {info["step"]}, the best was {info["best_step"]}'
  return f'{config.num_steps} steps' if info['step'] >= config.num_steps else None
