"""The base of our bijectors: one pass for value and log-det, conditions, and no old results."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import batch
from tfp_glow.bijectors import hand_on
from tfp_glow.layers import static_shape

tfb = tfp.bijectors

__all__ = [
    'FlowBijector',
    'check_channels',
    'conditions_for',
    'forward_and_log_det',
    'inverse_and_log_det',
    'per_image',
]


class FlowBijector(tfb.Bijector):
  """A `tfb.Bijector` whose value and log-det come from one fused pass.

  A subclass implements `_forward_and_log_det(x, **conditions)` and
  `_inverse_and_log_det(y, **conditions)`, each returning the value and the
  log|det| of its own direction. They see exactly one batch dimension in front
  of the event (any other batch shape is folded into it), so the log-det has
  shape `[N]`; elementwise bijectors see the input as it is. Both must be pure
  functions of their arguments and of the bijector's parameters.

  What a flow is modelled given comes as keyword arguments, its conditions. A
  bijector says in `conditions` which it takes; the outermost one checks them,
  broadcasts them with the input's batch shape, as TFP does with parameters, and
  the parts get those that they name.

  Differences from `tfb.Bijector`:

  - `forward` and `inverse` hand on the log-det that they computed on the way, once,
    so `log_prob` and `sample` run a network once; no other result of before is
    ever used (`hand_on`), in a `Chain` of TFP neither.
  - Equality is identity.
  - `validate_args` asserts that Variables are finite, and what a subclass says beside that.
  """

  _cache = hand_on.HandOn()
  _num_compositions = 0

  # Whether the private methods see one batch dimension, into which all are folded, or the
  # input as it is, as those of elementwise bijectors always do.
  folds_batch = True

  @property
  def conditions(self):
    """The conditions that it takes, a dict of `layers.Condition`s by name."""
    return {}

  def forward_and_log_det(self, x, **conditions):
    """Returns `forward(x)` and its log|det| in one pass.

    Args:
      x: float Tensor (or structure of them), as `forward` takes it.
      **conditions: those that `conditions` names, see there; their batch shapes and that of
        `x` broadcast.

    Returns:
      A pair: the value, and log|det d forward(x) / dx| of each event, in nats.

    Raises:
      ValueError: if the shape of `x` does not fit, or a condition is missing, not known or of
        another shape or dtype.
    """
    return self._folded(self._forward_and_log_det, x, self.forward_min_event_ndims, conditions)

  def inverse_and_log_det(self, y, **conditions):
    """Returns `inverse(y)` and log|det d inverse(y) / dy|, as `forward_and_log_det`."""
    return self._folded(self._inverse_and_log_det, y, self.inverse_min_event_ndims, conditions)

  def _folded(self, fn, x, event_ndims, conditions):
    """Calls `fn` with the batch dimensions of `x` and of the conditions folded into one."""
    fold = batch.Fold(self, x, event_ndims, conditions)
    value, log_det = fn(fold.x, **fold.conditions)
    return fold.unfold(value), fold.unfold(log_det)

  def _forward(self, x, **kwargs):
    return self.forward_and_log_det(x, **kwargs)[0]

  def _inverse(self, y, **kwargs):
    return self.inverse_and_log_det(y, **kwargs)[0]

  def _forward_log_det_jacobian(self, x, **kwargs):
    return self.forward_and_log_det(x, **kwargs)[1]

  def _inverse_log_det_jacobian(self, y, **kwargs):
    return self.inverse_and_log_det(y, **kwargs)[1]

  # What becomes of the shape of an event, as far as it is known, and as a Tensor.

  def _forward_shape(self, shape):
    return shape

  def _inverse_shape(self, shape):
    return shape

  def _forward_shape_tensor(self, shape):
    return shape

  def _inverse_shape_tensor(self, shape):
    return shape

  def _forward_event_shape(self, shape):
    return batch.with_leading(self._forward_shape, shape, self.forward_min_event_ndims)

  def _inverse_event_shape(self, shape):
    return batch.with_leading(self._inverse_shape, shape, self.inverse_min_event_ndims)

  def _forward_event_shape_tensor(self, shape):
    return batch.with_leading_tensor(
        self._forward_shape_tensor, shape, self.forward_min_event_ndims)

  def _inverse_event_shape_tensor(self, shape):
    return batch.with_leading_tensor(
        self._inverse_shape_tensor, shape, self.inverse_min_event_ndims)

  def _parameter_control_dependencies(self, is_init):
    # With `validate_args`, where a subclass does not know better what its parameters must be.
    if is_init or not self.validate_args:
      return []
    return [tf.debugging.assert_all_finite(v, f'{self.name}: the Variable {v.name} is not finite')
            for v in self.variables if v.dtype.is_floating]

  def copy(self, **changes):
    """A copy with some of the constructor's arguments changed; it shares the Variables.

    Raises:
      ValueError: for an argument that the constructor does not have.
    """
    unknown = sorted(set(changes) - set(self.parameters))
    if unknown:
      raise ValueError(f'{self.name}: copy cannot change {unknown[0]}, '
                       f'which is none of {", ".join(sorted(self.parameters))}.')
    return super().copy(**changes)

  def __eq__(self, other):
    return self is other

  def __hash__(self):
    # TFP asks for it before it looks for results of a Chain of this bijector.
    hand_on.forget_compositions(self)
    return id(self)


def conditions_for(bijector, conditions):
  """Those of the conditions that a bijector names; none for one of TFP's."""
  return {name: conditions[name] for name in getattr(bijector, 'conditions', {})}


def forward_and_log_det(bijector, x, event_ndims, **conditions):
  """Value and forward log|det| of a part of a bijector, of ours or any other of TFP's.

  Args:
    bijector: a `tfb.Bijector`; one of ours gets the input as it is.
    x: Tensor (or structure of them) with one batch dimension; any shape if elementwise.
    event_ndims: int, what the log-det of a bijector of TFP's is summed over.
    **conditions: checked ones, of which it gets those that it names.
  """
  if isinstance(bijector, FlowBijector):
    return bijector._forward_and_log_det(  # pylint: disable=protected-access
        x, **conditions_for(bijector, conditions))
  return bijector.forward(x), bijector.forward_log_det_jacobian(x, event_ndims=event_ndims)


def inverse_and_log_det(bijector, y, event_ndims, **conditions):
  """Value and inverse log|det|, as `forward_and_log_det`."""
  if isinstance(bijector, FlowBijector):
    return bijector._inverse_and_log_det(  # pylint: disable=protected-access
        y, **conditions_for(bijector, conditions))
  return bijector.inverse(y), bijector.inverse_log_det_jacobian(y, event_ndims=event_ndims)


def per_image(log_det_per_pixel, x):
  """`H * W * log_det_per_pixel` for each image of x `[..., H, W, C]`, as `[...]`.

  Args:
    log_det_per_pixel: float Tensor of a shape that broadcasts to `[...]`.
    x: float Tensor `[..., H, W, C]`.
  """
  shape = static_shape.sizes(x)
  num_pixels = tf.cast(shape[-3] * shape[-2], x.dtype)
  return tf.broadcast_to(num_pixels * log_det_per_pixel, shape[:-3])


def check_channels(bijector, x, num_channels):
  """x `[..., C]`, known to have `num_channels` channels; a ValueError if it has others."""
  if x.shape.rank is not None and x.shape.rank < 3:
    raise ValueError(
        f'{bijector.name}: images must have the shape [..., height, width, channels], '
        f'got {x.shape}.')
  if x.shape.rank is not None and x.shape[-1] not in (None, num_channels):
    raise ValueError(
        f'{bijector.name}: made for images with {num_channels} channels, '
        f'got the shape {x.shape} with {x.shape[-1]}.')
  if x.shape.rank is not None and x.shape[-1] is None:
    x = tf.ensure_shape(x, [*x.shape[:-1], num_channels])
  return x
