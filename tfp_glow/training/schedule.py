"""The learning rate as a function of the step."""

import math

import tensorflow as tf

from tfp_glow import errors

__all__ = ['SCHEDULES', 'make_schedule']

SCHEDULES = ('constant', 'cosine')


def make_schedule(config, num_steps):
  """Linear warm-up to `learning_rate`, then constant or a half cosine down to 0.

      warm-up   rate * (step + 1) / warmup_steps            for step < warmup_steps
      cosine    rate * (1 + cos(pi * t)) / 2,   t from 0 to 1 over the steps after it

  Args:
    config: `learning_rate`, `warmup_steps`, `schedule` ("constant" or "cosine").
    num_steps: int, the length of the run; a warm-up may be cut off by its end.

  Returns:
    Function from an int Tensor, the steps done before, to a float32 Tensor.

  Raises:
    UserError: for an unknown schedule.
  """
  if config.schedule not in SCHEDULES:
    raise errors.UserError(f'optimizer.schedule={config.schedule!r} is unknown; '
                           f'choose one of {", ".join(SCHEDULES)}.')

  def learning_rate(step):
    step = tf.cast(step, tf.float32)
    rate = config.learning_rate * tf.minimum(1., (step + 1.) / max(1, config.warmup_steps))
    if config.schedule == 'constant':
      return rate
    done = (step - config.warmup_steps) / max(1, num_steps - config.warmup_steps)
    return rate * .5 * (1. + tf.cos(math.pi * tf.clip_by_value(done, 0., 1.)))

  return learning_rate
