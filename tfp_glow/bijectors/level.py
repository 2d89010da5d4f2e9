"""A level: K steps of flow as one traced step over stacked weights."""

import tensorflow as tf

from tfp_glow.bijectors import actnorm as actnorm_lib
from tfp_glow.bijectors import batch
from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import invertible_conv
from tfp_glow.bijectors import permutation as permutation_lib
from tfp_glow.bijectors import rolled
from tfp_glow.bijectors import stacked_coupling
from tfp_glow.bijectors import step as step_lib
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import data_dependent_init
from tfp_glow.layers import seeds

__all__ = ['CONV_INITS', 'GlowLevel', 'PERMUTATIONS', 'stacked_linear']

PERMUTATIONS = ('lu', 'plain', 'reverse', 'shuffle')
CONV_INITS = ('rotation', 'permutation')


def stacked_linear(depth, num_channels, permutation='lu', conv_init='rotation', seed=0,
                   dtype=tf.float32):
  """K channel matrices in one `ChannelLinear` with parameters `[K, ...]`.

  Args:
    depth: int, K.
    num_channels: int, C.
    permutation: "lu" or "plain" (`InvertibleConv1x1`), "reverse" or "shuffle"
      (`ChannelPermutation`).
    conv_init: what "lu" and "plain" are before they learn. "rotation": random ones, as in the
      paper; "permutation": random orders and, in every second step, the halves swapped
      (`alternating_orders`), so that couplings start with pixels as they are. docs/results.md
      has what either brings: permutations suit couplings with mixtures and grey images.
    seed: int.
    dtype: float dtype of the Variables.

  Raises:
    ValueError: for another permutation or `conv_init`.
  """
  if conv_init not in CONV_INITS:
    raise ValueError(f'conv_init must be one of {CONV_INITS}, got {conv_init!r}.')
  if permutation in ('lu', 'plain'):
    if conv_init == 'rotation':
      rotations = invertible_conv.random_rotation(num_channels, seed, (depth,))
    else:
      orders = permutation_lib.alternating_orders(num_channels, depth, seed)
      rotations = tf.one_hot(orders, num_channels, dtype=tf.float64)
    return invertible_conv.InvertibleConv1x1.from_rotations(rotations, permutation, dtype)
  if permutation == 'reverse':
    orders = [permutation_lib.reversed_order(num_channels)] * depth
  elif permutation == 'shuffle':
    orders = permutation_lib.shuffled_orders(num_channels, depth, seed)
  else:
    raise ValueError(f'permutation must be one of {PERMUTATIONS}, got {permutation!r}.')
  return permutation_lib.ChannelPermutation.fixed(tf.stack(orders), dtype)


class GlowLevel(flow_bijector.FlowBijector):
  """K steps of flow with K sets of weights (Kingma & Dhariwal 2018, figure 2).

      inverse   z = step_{K-1}.inverse( ... step_0.inverse(x))
      forward   x = step_0.forward( ... step_{K-1}.forward(z))

  Each weight is stored once, stacked along a leading axis of length K, and a
  `tf.while_loop` runs one traced step over the stack: building the graph costs
  one step, whatever K. All K channel matrices, with ActNorm folded in, are
  made before the loop. `steps[k]` is the bijector of one step.

  Args:
    actnorm: an `ActNorm` with parameters `[K, C]`.
    linear: a `ChannelLinear` with parameters `[K, ...]`.
    coupling_weights: list of Tensors or Variables `[K, ...]`.
    make_coupling: callable that makes the coupling of one step from its weights,
      a list like `coupling_weights` without the leading axis. It may have a method
      `initialized(weights, x, **conditions) -> weights`, the data-dependent
      initialisation of one step's coupling.
    conditions: None, or a dict of `layers.Condition`s by name, what the couplings take.
    reversible: bool, whether the backward pass recomputes each step's input
      from its output instead of keeping it: memory that does not grow with K,
      for a slower step. Second-order gradients then raise.

  Inputs are `[..., H, W, C]`.
  """

  def __init__(self, actnorm, linear, coupling_weights, make_coupling, conditions=None,
               reversible=False, validate_args=False, name='glow_level'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      self._actnorm = actnorm
      self._linear = linear
      self._coupling_weights = coupling_weights
      self._make_coupling = make_coupling
      self._conditions = self._no_dependency(dict(conditions or {}))
      self._reversible = reversible
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=actnorm.dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def trainable(cls, image_shape, depth, network, coupling='affine', scale_map='tanh',
                permutation='lu', precision='float32', reversible=False, input_limit=4.,
                conv_init='rotation', seed=0, dtype=tf.float32, name='glow_level'):
    """A level with Variables of its own.

    Args:
      image_shape: `(H, W, C)` of the images; H and W may be None.
      depth: int, K, the number of steps.
      network: callable `network(out_channels, seed=..., dtype=...)` that makes
        the unbuilt Keras layer of one coupling. What the layer's `call` takes beside the image
        are the level's conditions.
      coupling: "affine", "additive", "mixture_logistics", "spline", or an `Inner`.
      scale_map: "sigmoid" or "tanh", of the coupling's affine part; see
        `AffineCoupling`.
      permutation: "lu", "plain", "reverse" or "shuffle", see `stacked_linear`.
      precision: "float32": the networks compute in `dtype`; "bfloat16": they
        compute in bfloat16, while their Variables and all else keep `dtype`.
      reversible: bool, as for the class.
      input_limit: float; the networks see x_a clipped to [-input_limit, input_limit], in the
        standard deviations that ActNorm starts it with, which no inverse notices; 0: as it is.
        Images stay within 4; but of latents that no image has, as a base draws them early in
        training, each step's network would blow up what the last one left, and `forward` would
        lose all digits, or overflow, in a deep flow.
      conv_init: "rotation" or "permutation", see `stacked_linear`.
      seed: int; step k has a stream of its own.
      dtype: float dtype of the Variables.
      name: str.

    Raises:
      ValueError: for an unknown coupling, scale map, permutation, conv_init or precision, a depth
        below 1 or a negative limit.
    """
    if depth < 1:
      raise ValueError(f'{name}: depth must be at least 1, got {depth}.')
    num_channels = image_shape[-1]
    couplings = stacked_coupling.StackedCoupling(
        image_shape, depth, network, coupling, scale_map, precision, input_limit,
        seeds.derived_seed(seed, 'coupling'), dtype)
    zeros = tf.zeros([depth, num_channels], dtype)
    return cls(
        actnorm_lib.ActNorm(trainable_variable.make(zeros, 'bias'),
                            trainable_variable.make(zeros, 'log_scale')),
        stacked_linear(
            depth, num_channels, permutation, conv_init, seeds.derived_seed(seed, 'linear'), dtype),
        couplings.weights, couplings, couplings.conditions, reversible, name=name)

  @property
  def actnorm(self):
    return self._actnorm

  @property
  def linear(self):
    return self._linear

  @property
  def coupling_weights(self):
    """The stacked weights of the couplings, Tensors or Variables `[K, ...]`."""
    return self._coupling_weights

  @property
  def conditions(self):
    return self._conditions

  @property
  def depth(self):
    """K, the number of steps."""
    return self.actnorm.bias.shape[0]

  @property
  def reversible(self):
    """Whether the backward pass recomputes activations.

    Set it to False where recomputing has become too imprecise, and trace the
    training step anew.
    """
    return self._reversible

  @reversible.setter
  def reversible(self, value):
    self._reversible = self._parameters['reversible'] = bool(value)

  @property
  def steps(self):
    """The K steps as `GlowStep`s of the weights' present values."""
    return [
        step_lib.GlowStep(
            actnorm_lib.ActNorm(self.actnorm.bias[k], self.actnorm.log_scale[k]),
            self.linear.copy(**{name: value[k] for name, value in self.linear.parameters.items()
                                if tf.is_tensor(value)}),
            self._make_coupling([w[k] for w in self._coupling_weights]),
            name=f'{self.name}_step_{k}')
        for k in range(self.depth)]

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def initialize(self, x, **conditions):
    """Data-dependent initialisation, step after step, from images x `[..., H, W, C]`.

    Called in a replica context it uses the statistics of the global batch.

    Returns:
      `inverse(x)` with the initialised weights.

    Raises:
      ValueError: if the weights are not Variables.
    """
    variables = [self.actnorm.bias, self.actnorm.log_scale, *self._coupling_weights]
    for variable in variables:
      if not isinstance(variable, tf.Variable):
        raise ValueError(
            f'{self.name}: initialize() needs Variables to assign to, got a '
            f'{type(variable).__name__}; make the level with GlowLevel.trainable.')
    fold = batch.Fold(self, x, 3, conditions)
    conditions = fold.conditions
    initialized = getattr(self._make_coupling, 'initialized', None)

    def step(x, fixed, weights):
      (kernel,), (_, _, *weights) = fixed, weights
      bias, log_scale = data_dependent_init.whitening(x)
      x = channel_linear.apply_matrix((x + bias) * tf.exp(log_scale), kernel)
      if initialized is not None:
        weights = initialized(weights, x, **conditions)
      y, _ = self._apply(flow_bijector.inverse_and_log_det, weights, x, conditions)
      return y, [bias, log_scale, *weights]

    # Replicas cannot meet inside a loop, so several of them unroll it.
    x, values = rolled.update(
        step, [self.linear.kernel()], variables, fold.x,
        unroll=data_dependent_init.num_replicas() > 1)
    for variable, value in zip(variables, values):
      variable.assign(value)
    return fold.unfold(x)

  def _forward_and_log_det(self, z, **conditions):
    return self._run(z, conditions, forward=True)

  def _inverse_and_log_det(self, x, **conditions):
    return self._run(x, conditions, forward=False)

  def _apply(self, apply, weights, x, conditions, wrap=None):
    """One step's coupling in one direction, its network wrapped."""
    coupling = self._make_coupling(weights)
    if wrap:
      coupling = coupling.copy(conditioner=wrap(coupling.conditioner))
    return apply(coupling, x, event_ndims=3, **conditions)

  def _run(self, x, conditions, forward):
    flow_bijector.check_channels(self, x, self.linear.num_channels)
    x = tf.ensure_shape(x, [None, None, None, self.linear.num_channels])

    def to_image(z, matrix, bias, weights, conditions, wrap=None):
      x, log_det = self._apply(
          flow_bijector.forward_and_log_det, weights, z, conditions, wrap)
      return channel_linear.apply_matrix(x, matrix, bias), log_det

    def to_latent(x, matrix, bias, weights, conditions, wrap=None):
      return self._apply(flow_bijector.inverse_and_log_det, weights,
                         channel_linear.apply_matrix(x, matrix, bias), conditions, wrap)

    if forward:
      step, undo, fold, unfold = to_image, to_latent, step_lib.fold_forward, step_lib.fold_inverse
    else:
      step, undo, fold, unfold = to_latent, to_image, step_lib.fold_inverse, step_lib.fold_forward
    *folded, log_dets = fold(self.actnorm, self.linear)
    stacks = [*folded, *self.coupling_weights]
    if self.reversible:
      *unfolded, _ = unfold(self.actnorm, self.linear)
      given = [tf.convert_to_tensor(t) for t in conditions.values()]
      named = lambda given: dict(zip(conditions, given))
      y, log_det = rolled.run_reversible(
          lambda x, w, given, wrap: step(x, w[0], w[1], w[2:], named(given), wrap),
          lambda y, w, u, given, wrap: undo(y, *u, w[2:], named(given), wrap)[0],
          stacks, unfolded, x, given, reverse=forward)
    else:
      y, log_det = rolled.run(
          lambda x, w: step(x, w[0], w[1], w[2:], conditions), stacks, x, reverse=forward)
    return y, log_det + flow_bijector.per_image(tf.reduce_sum(log_dets), x)
