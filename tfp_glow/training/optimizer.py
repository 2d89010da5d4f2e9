"""Optimizers of one fused kernel a Variable, applied after reduction and clipping."""

import functools

import tensorflow as tf

from tfp_glow import errors

__all__ = ['OPTIMIZERS', 'Optimizer', 'clip']

OPTIMIZERS = {'adam': 2, 'adamax': 2, 'sgd': 0}  # How many slots each has.
_BETA_1, _BETA_2, _EPSILON = .9, .999, 1e-7  # Keras' defaults.


class Optimizer:
  """Adam, Adamax or SGD. Make it inside `strategy.scope()`: outside, replicas would diverge.

      adam      m <- b1 m + (1 - b1) g    v <- b2 v + (1 - b2) g^2
                w <- w - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
      adamax    m <- b1 m + (1 - b1) g    v <- max(b2 v, |g|)
                w <- w - rate / (1 - b1^t) m / (v + eps)
      sgd       w <- w - rate g

  (Kingma & Ba 2015, algorithms 1 and 2.) The numbers are those of Keras to rounding. Keras' own
  rules are some forty operations a Variable, a quarter to a half of what a step was traced to.

  Args:
    config: `name` and `learning_rate`; of the latter `apply` is given the present one.
    weights: list of trainable `tf.Variable`s.

  Attributes:
    iterations: int64 Variable, t, updates done.
    variables: list of `tf.Variable`s, the state in the order of a checkpoint, which is Keras':
      `iterations`, the learning rate, then the slots of each weight.

  Raises:
    UserError: for an unknown name or a learning rate that is not positive.
  """

  def __init__(self, config, weights):
    self._name, self._weights, rate = config.name, list(weights), config.learning_rate
    if self._name not in OPTIMIZERS:
      raise errors.UserError(f'optimizer.name={self._name!r} is unknown; '
                             f'choose one of {", ".join(OPTIMIZERS)}.')
    if not rate > 0:
      raise errors.UserError(f'optimizer.learning_rate={rate} must be greater than 0.')
    state = functools.partial(tf.Variable, trainable=False)
    self.iterations = state(tf.zeros([], tf.int64), name='iterations')
    self._slots = [[state(tf.zeros(weight.shape, weight.dtype), name='slot')
                    for _ in range(OPTIMIZERS[self._name])] for weight in weights]
    self.variables = [self.iterations, state(rate, dtype=tf.float32, name='learning_rate'),
                      *(slot for slots in self._slots for slot in slots)]

  def apply(self, strategy, gradients, learning_rate):
    """One update in cross-replica context.

    Args:
      strategy: the `tf.distribute.Strategy`.
      gradients: list of values that are equal on all replicas, one for each weight.
      learning_rate: float32 Tensor.
    """
    t = tf.cast(self.iterations + 1, tf.float32)
    scalars = [tf.convert_to_tensor(scalar, tf.float32) for scalar in (
        learning_rate, _BETA_1, _BETA_2, _EPSILON, _BETA_1**t, _BETA_2**t)]

    def update(w, g, *slots):
      rate, b1, b2, epsilon, b1_power, b2_power = (tf.cast(s, w.dtype) for s in scalars)
      if self._name == 'sgd':
        return tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=rate, delta=g)
      given = dict(var=w.handle, m=slots[0].handle, v=slots[1].handle, grad=g, lr=rate, beta1=b1,
                   beta2=b2, epsilon=epsilon, beta1_power=b1_power)
      if self._name == 'adamax':
        return tf.raw_ops.ResourceApplyAdaMax(**given)
      return tf.raw_ops.ResourceApplyAdam(**given, beta2_power=b2_power)

    for weight, gradient, slots in zip(self._weights, gradients, self._slots):
      strategy.extended.update(weight, update, args=(gradient, *slots), group=False)
    self.iterations.assign_add(1)


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
