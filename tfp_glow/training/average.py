"""The moving average of the weights, which evaluation and sampling use."""

import tensorflow as tf

__all__ = ['copy_variables', 'update_average']


def copy_variables(source, target):
  """Assigns every variable of a model to the same variable of another of its kind."""
  for from_variable, to_variable in zip(source.variables, target.variables):
    to_variable.assign(from_variable.read_value())


def update_average(strategy, decay, updates, weights, averages):
  """Moves averages towards weights, in cross-replica context.

      average <- d average + (1 - d) weight,   d = min(decay, (1 + t) / (10 + t))

  with t the updates done, so that the first weights are soon forgotten.

  Args:
    strategy: the `tf.distribute.Strategy`.
    decay: float in [0, 1); 0 makes the average the weights themselves.
    updates: int Tensor, t.
    weights, averages: lists of `tf.Variable`s.
  """
  t = tf.cast(updates, tf.float32)
  rate = 1. - tf.minimum(tf.constant(decay, tf.float32), (1. + t) / (10. + t))
  for weight, average in zip(weights, averages):
    strategy.extended.update(
        average, lambda a, w: a.assign_add(tf.cast(rate, a.dtype) * (w - a), read_value=False),
        args=(weight,), group=False)
