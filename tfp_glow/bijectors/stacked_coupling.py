"""The couplings of a level: one network's layers and K sets of weights."""

import tensorflow as tf

from tfp_glow.bijectors import coupling as coupling_lib
from tfp_glow.bijectors import inner as inner_lib
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import conditioner as conditioner_lib
from tfp_glow.layers import seeds

__all__ = ['PRECISIONS', 'StackedCoupling']

PRECISIONS = ('float32', 'bfloat16')


class StackedCoupling:
  """Makes the coupling of a step from that step's weights, as `GlowLevel` calls it.

  Args:
    image_shape: `(H, W, C)` of the images; H and W may be None.
    depth: int, K, how many sets of weights there are.
    network: callable `network(out_channels, seed=..., dtype=...)` that makes
      the unbuilt Keras layer of one coupling.
    coupling: "affine", "additive", "mixture_logistics", "spline", or an `Inner`.
    scale_map: "sigmoid" or "tanh".
    precision: "float32" or "bfloat16".
    input_limit: float, what the network sees is clipped to [-input_limit, input_limit]; 0: not
      at all.
    seed: int.
    dtype: float dtype of the Variables.

  Attributes:
    weights: list of Variables `[K, ...]`.
    conditions: dict of `layers.Condition`s by name, what the network takes.

  Raises:
    ValueError: for an unknown coupling, scale map or precision, or a negative limit.
  """

  def __init__(self, image_shape, depth, network, coupling='affine', scale_map='sigmoid',
               precision='float32', input_limit=0., seed=0, dtype=tf.float32):
    height, width, num_channels = image_shape
    if precision not in PRECISIONS:
      raise ValueError(f'precision must be one of {PRECISIONS}, got {precision!r}.')
    if not input_limit >= 0.:
      raise ValueError(f'input_limit must be at least 0 (0: none), got {input_limit}.')
    self._inner = inner = inner_lib.resolve(coupling, scale_map)
    self._scale_map = scale_map
    self._input_limit = input_limit
    self._dtype = dtype
    self._given, transformed = coupling_lib.transformed_channels(num_channels)
    network_dtype = 'mixed_bfloat16' if precision == 'bfloat16' else tf.as_dtype(dtype).name
    self._stack = stack = conditioner_lib.StackedLayer(
        lambda k: network(transformed * inner.num_parameters, seed=seeds.derived_seed(seed, k),
                          dtype=network_dtype),
        depth, (None, height, width, self._given))
    self.conditions = stack.conditions
    self.weights = list(stack.weights)
    if inner.has_log_factor(scale_map):
      self.weights.append(
          trainable_variable.make(tf.zeros([depth, transformed], dtype), 'log_factor'))

  def __call__(self, weights):
    """The `Coupling` with one set of weights, a list like `weights` without the leading axis."""
    network_weights, others = self._split(weights)
    network = self._stack.conditioner(network_weights)
    return coupling_lib.Coupling(
        lambda x_a, **conditions: network(self._limited(x_a), **conditions),
        self._inner.bind(self._scale_map, *others), dtype=self._dtype,
        conditions=self.conditions)

  def initialized(self, weights, x, **conditions):
    """One set of weights after the network's data-dependent initialisation.

    Args:
      weights: list of Tensors, one set.
      x: float Tensor `[N, H, W, C]`, what the coupling's `inverse` will see.
      **conditions: those of `conditions`.
    """
    network_weights, others = self._split(weights)
    seen = self._limited(x[..., :self._given])
    return [*self._stack.initialized(network_weights, seen, **conditions), *others]

  def _split(self, weights):
    num = len(self._stack.weights)
    return weights[:num], weights[num:]

  def _limited(self, x_a):
    return _clip(x_a, self._input_limit) if self._input_limit else x_a


def _clip(x, limit):
  """x clipped to [-limit, limit]."""

  @tf.custom_gradient
  def clip(x):
    clipped = tf.clip_by_value(x, -limit, limit)

    def gradient(upstream):
      # From the result alone; TensorFlow's own gradient keeps twice as much.
      return tf.where(tf.abs(clipped) < limit, upstream, tf.zeros_like(upstream))

    return clipped, gradient

  return clip(x)
