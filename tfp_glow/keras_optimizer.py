"""What a Keras model of images has to know of its optimizer: where it scales, clips and counts."""

import tensorflow as tf

from tfp_glow.private import keras as private_keras

__all__ = ['check', 'num_steps', 'reduced', 'scale_of_loss']


def check(optimizer, model):
  """Refuses what Keras cannot do.

  Args:
    optimizer: what `compile` made of its argument.
    model: the `KerasImageModel`.

  Raises:
    ValueError: for no optimizer, one of another scope, and options that do not work on several
      replicas.
  """
  if optimizer is None:
    raise ValueError("compile needs an optimizer, got None; name one, such as 'adamax'.")
  optimizer, strategy = _inner(optimizer), model.distribute_strategy
  if not strategy.extended.variable_created_in_scope(optimizer.variables[0].value):
    raise ValueError(
        f'the optimizer {optimizer.name!r} was made outside the scope of the '
        f"model's {type(strategy).__name__}; make it inside `with strategy.scope():`.")
  replicas = strategy.num_replicas_in_sync
  cannot = {
      'gradient_accumulation_steps': getattr(optimizer, 'gradient_accumulation_steps', None),
      'ema_overwrite_frequency': optimizer.use_ema and optimizer.ema_overwrite_frequency,
      'steps_per_execution': model.steps_per_execution > 1 and model.steps_per_execution}
  for option, value in cannot.items():
    if replicas > 1 and value:
      raise ValueError(
          f'{option}={value} is what Keras cannot do on several replicas, and the '
          f'{type(strategy).__name__} has {replicas}; leave it out.')


def num_steps(optimizer):
  """How many batches the optimizer has seen, an int64 Variable.

  `optimizer.iterations` counts updates, of which there are fewer where gradients accumulate.
  """
  return private_keras.num_batches(_inner(optimizer))


def scale_of_loss(optimizer, dtype):
  """By how much the loss is to be multiplied, since the optimizer divides its gradients by it."""
  return tf.cast(optimizer.scale_loss(tf.ones([], dtype)), dtype)


def reduced(optimizer, gradients):
  """A replica's gradients, for an optimizer that looks at them before it sums them.

  It clips, or skips them if they are not finite. So the first replica gets the sum, the others
  zeros; where the sum is not finite, all get what is not.

  Args:
    optimizer: the model's.
    gradients: list of Tensors.

  Returns:
    A list of Tensors.
  """
  context = tf.distribute.get_replica_context()
  inner = _inner(optimizer)
  looks = inner is not optimizer or any(
      getattr(inner, name, None) is not None
      for name in ('clipnorm', 'clipvalue', 'global_clipnorm'))
  if context.num_replicas_in_sync == 1 or not looks:
    return gradients
  gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
  is_first = tf.equal(context.replica_id_in_sync_group, 0)
  return [gradient * tf.cast(is_first, gradient.dtype) for gradient in gradients]


def _inner(optimizer):
  """The optimizer itself, where a `LossScaleOptimizer` holds it."""
  return getattr(optimizer, 'inner_optimizer', optimizer)
