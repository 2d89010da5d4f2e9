"""Optimizers of one fused kernel a Variable, applied after reduction and clipping."""

import tensorflow as tf

from tfp_glow import errors

__all__ = ['OPTIMIZERS', 'Optimizer', 'clip', 'make_optimizer']

_BETA_1, _BETA_2, _EPSILON = .9, .999, 1e-7  # Keras' defaults.


def _adam(w, m, v, gradient, rate, beta_1, beta_2, epsilon, beta_1_power, beta_2_power):
  tf.raw_ops.ResourceApplyAdam(
      var=w.handle, m=m.handle, v=v.handle, grad=gradient, lr=rate, beta1=beta_1, beta2=beta_2,
      epsilon=epsilon, beta1_power=beta_1_power, beta2_power=beta_2_power)


def _adamax(w, m, u, gradient, rate, beta_1, beta_2, epsilon, beta_1_power, _):
  tf.raw_ops.ResourceApplyAdaMax(
      var=w.handle, m=m.handle, v=u.handle, grad=gradient, lr=rate, beta1=beta_1, beta2=beta_2,
      epsilon=epsilon, beta1_power=beta_1_power)


def _sgd(w, gradient, rate, *_):
  tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=rate, delta=gradient)


# Update rules and how many slots each has.
OPTIMIZERS = {'adam': (_adam, 2), 'adamax': (_adamax, 2), 'sgd': (_sgd, 0)}


class Optimizer:
  """One of `keras.optimizers`' Adam, Adamax and SGD with TensorFlow's kernels.

      adam      m <- b1 m + (1 - b1) g    v <- b2 v + (1 - b2) g^2
                w <- w - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
      adamax    m <- b1 m + (1 - b1) g    u <- max(b2 u, |g|)
                w <- w - rate / (1 - b1^t) m / (u + eps)
      sgd       w <- w - rate g

  (Kingma & Ba 2015, algorithms 1 and 2.) The numbers are those of Keras to rounding. Its own rule
  is some forty operations a Variable, half of all that a training step is traced to; and its
  `apply` would sum over the replicas gradients that are reduced already, because clipping has to
  come after the reduction.

  Args:
    name: str, a key of `OPTIMIZERS`.
    variables: list of trainable `tf.Variable`s.
    learning_rate: float; only remembered, since `apply` is given the present one.

  Attributes:
    iterations: int64 Variable, t, updates done.
    variables: list of `tf.Variable`s, the state in a fixed order, which checkpoints rely on:
      `iterations`, the learning rate, then the slots of each weight.
  """

  def __init__(self, name, variables, learning_rate):
    self._rule, num_slots = OPTIMIZERS[name]
    self._weights = list(variables)
    self.iterations = _state(tf.zeros([], tf.int64), 'iterations')
    self._slots = [[_state(tf.zeros(weight.shape, weight.dtype), 'slot') for _ in range(num_slots)]
                   for weight in variables]
    self.variables = [self.iterations, _state(tf.constant(learning_rate), 'learning_rate'),
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

    def update(weight, gradient, *slots):
      self._rule(weight, *slots, gradient, *(tf.cast(s, weight.dtype) for s in scalars))

    for weight, gradient, slots in zip(self._weights, gradients, self._slots):
      strategy.extended.update(weight, update, args=(gradient, *slots), group=False)
    self.iterations.assign_add(1)


def make_optimizer(config, variables):
  """An `Optimizer`. Call it inside `strategy.scope()`: one made outside lets replicas diverge.

  Args:
    config: `name` (adam, adamax, sgd) and `learning_rate`.
    variables: list of trainable `tf.Variable`s.

  Raises:
    UserError: for an unknown name or a learning rate that is not positive.
  """
  if config.name not in OPTIMIZERS:
    raise errors.UserError(f'optimizer.name={config.name!r} is unknown; '
                           f'choose one of {", ".join(OPTIMIZERS)}.')
  if not config.learning_rate > 0:
    raise errors.UserError(
        f'optimizer.learning_rate={config.learning_rate} must be greater than 0.')
  return Optimizer(config.name, variables, config.learning_rate)


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


def _state(value, name):
  return tf.Variable(value, trainable=False, name=name,
                     aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
