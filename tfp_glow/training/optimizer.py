"""Keras optimizers on plain tf.Variables, applied after reduction and clipping."""

import keras
import tensorflow as tf

from tfp_glow import errors

__all__ = ['OPTIMIZERS', 'apply_gradients', 'clip', 'make_optimizer', 'slots']

OPTIMIZERS = {
    'adam': keras.optimizers.Adam,
    'adamax': keras.optimizers.Adamax,
    'sgd': keras.optimizers.SGD,
}


def make_optimizer(config, variables):
  """A built optimizer. Call it inside `strategy.scope()`: one made outside lets replicas diverge.

  Args:
    config: `name` (adam, adamax, sgd) and `learning_rate`.
    variables: list of trainable `tf.Variable`s.

  Returns:
    A `keras.optimizers.Optimizer` with its slots made.

  Raises:
    UserError: for an unknown name or a learning rate that is not positive.
  """
  if config.name not in OPTIMIZERS:
    raise errors.UserError(f'optimizer.name={config.name!r} is unknown; '
                           f'choose one of {", ".join(OPTIMIZERS)}.')
  if not config.learning_rate > 0:
    raise errors.UserError(
        f'optimizer.learning_rate={config.learning_rate} must be greater than 0.')
  optimizer = OPTIMIZERS[config.name](learning_rate=config.learning_rate)
  optimizer.build(variables)
  return optimizer


def slots(optimizer):
  """The optimizer's state as a list of `tf.Variable`s, in a fixed order."""
  return [variable.value for variable in optimizer.variables]


def clip(gradients, clip_norm):
  """Gradients scaled to a global norm of at most `clip_norm`, and their norm before.

  Args:
    gradients: list of Tensors, already averaged over the replicas.
    clip_norm: float; 0 leaves them as they are.
  """
  norm = tf.linalg.global_norm(gradients)
  if clip_norm > 0:
    gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
  return gradients, norm


def apply_gradients(strategy, optimizer, gradients, variables, learning_rate):
  """One optimizer step in cross-replica context.

  The optimizer's own `apply` sums the gradients over the replicas. These are
  reduced already, because clipping has to come after the reduction, so each
  variable's update rule is called by itself.

  Args:
    strategy: the `tf.distribute.Strategy`.
    optimizer: from `make_optimizer`.
    gradients: list of values that are equal on all replicas.
    variables: list of `tf.Variable`s, those that the optimizer was built with.
    learning_rate: float32 Tensor.
  """
  for gradient, variable in zip(gradients, variables):
    strategy.extended.update(
        variable, lambda v, g: optimizer.update_step(g, v, learning_rate),
        args=(gradient,), group=False)
  optimizer.iterations.assign_add(1)
