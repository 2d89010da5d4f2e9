"""How the `trainable` constructors make their Variables."""

import tensorflow as tf

__all__ = ['make', 'make_fixed']


def make(initial_value, name):
  """A trainable Variable; replicas compute equal updates, so the first one's counts."""
  return tf.Variable(
      initial_value, name=name,
      aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)


def make_fixed(value, name):
  """A Variable that no optimizer moves, so that a checkpoint restores it."""
  return tf.Variable(
      value, trainable=False, name=name,
      aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
