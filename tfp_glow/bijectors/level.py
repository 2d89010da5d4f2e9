"""A level: K steps of flow as one traced step over stacked weights."""

import tensorflow as tf

from tfp_glow.bijectors import actnorm as actnorm_lib
from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import coupling as coupling_lib
from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import inner as inner_lib
from tfp_glow.bijectors import invertible_conv
from tfp_glow.bijectors import permutation as permutation_lib
from tfp_glow.bijectors import rolled
from tfp_glow.bijectors import step as step_lib
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import conditioner as conditioner_lib
from tfp_glow.layers import data_dependent_init

__all__ = ['GlowLevel', 'PERMUTATIONS', 'PRECISIONS', 'stacked_linear']

PERMUTATIONS = ('lu', 'plain', 'reverse', 'shuffle')
PRECISIONS = ('float32', 'bfloat16')

# What the networks see of the half that conditions, in its standard deviations, as
# ActNorm starts it. Images stay within; but of latents that no image has, as a base
# draws them early in training, each step's network would blow up what the last one
# left, and `forward` would lose all digits, or overflow, in a deep flow.
_INPUT_LIMIT = 4.


def stacked_linear(depth, num_channels, permutation='lu', seed=0, dtype=tf.float32):
  """K channel matrices in one `ChannelLinear` with parameters `[K, ...]`.

  Args:
    depth: int, K.
    num_channels: int, C.
    permutation: "lu" or "plain" (`InvertibleConv1x1`), "reverse" or "shuffle"
      (`ChannelPermutation`).
    seed: int.
    dtype: float dtype of the Variables.

  Raises:
    ValueError: for another permutation.
  """
  if permutation in ('lu', 'plain'):
    rotations = invertible_conv.random_rotation(num_channels, seed, (depth,))
    return invertible_conv.InvertibleConv1x1.from_rotations(rotations, permutation, dtype)
  if permutation == 'reverse':
    orders = [permutation_lib.reversed_order(num_channels)] * depth
  elif permutation == 'shuffle':
    orders = [permutation_lib.shuffled_order(num_channels, seed + k) for k in range(depth)]
  else:
    raise ValueError(f'permutation must be one of {PERMUTATIONS}, got {permutation!r}.')
  return permutation_lib.ChannelPermutation.fixed(tf.stack(orders), dtype)


class GlowLevel(flow_bijector.FlowBijector):
  """K steps of flow with K sets of weights (Kingma & Dhariwal 2018, figure 2).

      inverse   z = step_{K-1}.inverse( ... step_0.inverse(x))
      forward   x = step_0.forward( ... step_{K-1}.forward(z))

  The networks of a level made by `trainable` see x_a clipped to [-4, 4], which no
  inverse notices, so a step's shift and scale stay bounded whatever the latent.

  Each weight is stored once, stacked along a leading axis of length K, and a
  `tf.while_loop` runs one traced step over the stack: building the graph costs
  one step, whatever K. All K channel matrices, with ActNorm folded in, are
  made before the loop. `steps[k]` is the bijector of one step.

  Args:
    actnorm: an `ActNorm` with parameters `[K, C]`.
    linear: a `ChannelLinear` with parameters `[K, ...]`.
    coupling_weights: list of Tensors or Variables `[K, ...]`.
    make_coupling: callable that makes the coupling of one step from its weights,
      a list like `coupling_weights` without the leading axis.
    initialize_coupling: None, or callable `(weights, x, **kwargs) -> weights` with
      the data-dependent initialisation of one step's coupling.
    reversible: bool, whether the backward pass recomputes each step's input
      from its output instead of keeping it: memory that does not grow with K,
      for a slower step. Second-order gradients then raise.

  Inputs are `[..., H, W, C]`.
  """

  accepts_condition = True

  def __init__(self, actnorm, linear, coupling_weights, make_coupling,
               initialize_coupling=None, reversible=False, validate_args=False,
               name='glow_level'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      self._actnorm = actnorm
      self._linear = linear
      self._coupling_weights = coupling_weights
      self._make_coupling = make_coupling
      self._initialize_coupling = initialize_coupling
      self._reversible = reversible
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=actnorm.dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def trainable(cls, image_shape, depth, network, coupling='affine', scale_map='sigmoid',
                permutation='lu', precision='float32', reversible=False, seed=0,
                dtype=tf.float32, name='glow_level'):
    """A level with Variables of its own.

    Args:
      image_shape: `(H, W, C)` of the images; H and W may be None.
      depth: int, K, the number of steps.
      network: callable `network(out_channels, seed=..., dtype=...)` that makes
        the unbuilt Keras layer of one coupling.
      coupling: "affine", "additive", "mixture_logistics", "spline", or an `Inner`.
      scale_map: "sigmoid" or "tanh", of the coupling's affine part; see
        `AffineCoupling`.
      permutation: "lu", "plain", "reverse" or "shuffle", see `stacked_linear`.
      precision: "float32": the networks compute in `dtype`; "bfloat16": they
        compute in bfloat16, while their Variables and all else keep `dtype`.
      reversible: bool, as for the class.
      seed: int.
      dtype: float dtype of the Variables.
      name: str.

    Raises:
      ValueError: for an unknown coupling, scale map, permutation or precision.
    """
    height, width, num_channels = image_shape
    inner = inner_lib.resolve(coupling, scale_map)
    if precision not in PRECISIONS:
      raise ValueError(f'precision must be one of {PRECISIONS}, got {precision!r}.')
    network_dtype = 'mixed_bfloat16' if precision == 'bfloat16' else tf.as_dtype(dtype).name
    given, transformed = coupling_lib.transformed_channels(num_channels)
    outputs = transformed * inner.num_parameters
    # Strides keep the seeds of different steps' and levels' weights apart.
    stack = conditioner_lib.StackedLayer(
        lambda k: network(outputs, seed=1000 * (seed + k), dtype=network_dtype),
        depth, (None, height, width, given))
    num_network_weights = len(stack.weights)
    weights = list(stack.weights)
    if inner.has_log_factor(scale_map):
      weights.append(
          trainable_variable.make(tf.zeros([depth, transformed], dtype), 'log_factor'))

    def make_coupling(weights):
      network = stack.conditioner(weights[:num_network_weights])
      return coupling_lib.Coupling(
          lambda x_a, **kwargs: network(_clip(x_a), **kwargs),
          inner.bind(scale_map, *weights[num_network_weights:]), dtype=dtype)

    def initialize_coupling(weights, x, **kwargs):
      network_weights = stack.initialized(
          weights[:num_network_weights], _clip(x[..., :given]), **kwargs)
      return [*network_weights, *weights[num_network_weights:]]

    zeros = tf.zeros([depth, num_channels], dtype)
    return cls(
        actnorm_lib.ActNorm(trainable_variable.make(zeros, 'bias'),
                            trainable_variable.make(zeros, 'log_scale')),
        stacked_linear(depth, num_channels, permutation, 1000 * seed, dtype),
        weights, make_coupling, initialize_coupling, reversible, name=name)

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

  def initialize(self, x, **kwargs):
    """Data-dependent initialisation, step after step, from images x `[..., H, W, C]`.

    Called in a replica context it uses the statistics of the global batch. Keyword
    arguments are passed on to the couplings.

    Returns:
      `inverse(x)` with the initialised weights.
    """
    def step(x, weights):
      kernel, _, _, *weights = weights
      bias, log_scale = data_dependent_init.whitening(x)
      x = channel_linear.apply_matrix((x + bias) * tf.exp(log_scale), kernel)
      if self._initialize_coupling is not None:
        weights = self._initialize_coupling(weights, x, **kwargs)
      y, _ = self._make_coupling(weights).inverse_and_log_det(x, **kwargs)
      return y, [kernel, bias, log_scale, *weights]

    # Replicas cannot meet inside a loop, so several of them unroll it.
    variables = [self.actnorm.bias, self.actnorm.log_scale, *self._coupling_weights]
    x, (_, *values) = rolled.update(
        step, [self.linear.kernel(), *variables], x,
        unroll=data_dependent_init.num_replicas() > 1)
    for variable, value in zip(variables, values):
      variable.assign(value)
    return x

  def _forward_and_log_det(self, z, **kwargs):
    return self._run(z, kwargs, forward=True)

  def _inverse_and_log_det(self, x, **kwargs):
    return self._run(x, kwargs, forward=False)

  def _run(self, x, kwargs, forward):
    flow_bijector.check_channels(self, x, self.linear.num_channels)

    def make_coupling(weights, wrap):
      coupling = self._make_coupling(weights)
      return coupling.copy(conditioner=wrap(coupling.conditioner)) if wrap else coupling

    def to_image(z, matrix, bias, weights, kwargs, wrap=None):
      x, log_det = make_coupling(weights, wrap).forward_and_log_det(z, **kwargs)
      return channel_linear.apply_matrix(x, matrix, bias), log_det

    def to_latent(x, matrix, bias, weights, kwargs, wrap=None):
      return make_coupling(weights, wrap).inverse_and_log_det(
          channel_linear.apply_matrix(x, matrix, bias), **kwargs)

    if forward:
      step, undo, fold, unfold = to_image, to_latent, step_lib.fold_forward, step_lib.fold_inverse
    else:
      step, undo, fold, unfold = to_latent, to_image, step_lib.fold_inverse, step_lib.fold_forward
    *folded, log_dets = fold(self.actnorm, self.linear)
    stacks = [*folded, *self.coupling_weights]
    if self.reversible:
      *unfolded, _ = unfold(self.actnorm, self.linear)
      context = [tf.convert_to_tensor(t) for t in tf.nest.flatten(kwargs)]
      pack = lambda context: tf.nest.pack_sequence_as(kwargs, context)
      y, log_det = rolled.run_reversible(
          lambda x, w, context, wrap: step(x, w[0], w[1], w[2:], pack(context), wrap),
          lambda y, w, u, context, wrap: undo(y, *u, w[2:], pack(context), wrap)[0],
          stacks, unfolded, x, context, reverse=forward)
    else:
      y, log_det = rolled.run(
          lambda x, w: step(x, w[0], w[1], w[2:], kwargs), stacks, x, reverse=forward)
    return y, log_det + flow_bijector.per_image(tf.reduce_sum(log_dets), x)


@tf.custom_gradient
def _clip(x_a):
  """What the networks see of x_a."""
  clipped = tf.clip_by_value(x_a, -_INPUT_LIMIT, _INPUT_LIMIT)

  def gradient(upstream):
    # From the result alone; TensorFlow's own gradient keeps twice as much.
    return tf.where(tf.abs(clipped) < _INPUT_LIMIT, upstream, tf.zeros_like(upstream))

  return clipped, gradient
