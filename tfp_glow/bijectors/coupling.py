"""Couplings: one part of an image decides how the other part is transformed."""

import numpy as np
import tensorflow as tf

from tfp_glow.bijectors import batch
from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import inner as inner_lib
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import condition
from tfp_glow.layers import conditioner as conditioner_lib
from tfp_glow.layers import static_shape

__all__ = ['AdditiveCoupling', 'AffineCoupling', 'Coupling', 'MASKS', 'transformed_channels']

MASKS = ('channel', 'checkerboard')


def transformed_channels(num_channels, mask='channel', flip=False):
  """How many channels a coupling conditions on and how many it transforms.

  Args:
    num_channels: int, C of the image.
    mask: "channel" or "checkerboard".
    flip: bool, whether the two parts swap roles.

  Returns:
    A pair of ints: channels that the conditioner gets, channels transformed.

  Raises:
    ValueError: for an unknown mask, or a single channel with mask "channel".
  """
  if mask == 'checkerboard':
    return num_channels, num_channels
  if mask != 'channel':
    raise ValueError(f'mask must be one of {MASKS}, got {mask!r}.')
  if num_channels < 2:
    raise ValueError(
        f'a coupling of channel halves needs at least 2 channels, got {num_channels}; '
        'squeeze the image first or use mask="checkerboard".')
  first, second = num_channels // 2, num_channels - num_channels // 2
  return (second, first) if flip else (first, second)


class Coupling(flow_bijector.FlowBijector):
  """A split, a conditioner and an elementwise inner bijector.

      inverse   z_a = x_a,   z_b = inner(conditioner(x_a)).inverse(x_b)
      forward   x_a = z_a,   x_b = inner(conditioner(z_a)).forward(z_b)
      log|det dz/dx| = sum log|dz_b / dx_b|

  (Dinh et al. 2017, sections 3.3 and 3.4; Kingma & Dhariwal 2018, section 3.3.)
  The conditioner runs once for a value and its log-det.

  Args:
    conditioner: maps x_a `[N, H, W, C_a]` to parameters `[N, H, W, P]`: a
      function, a `tf.Module`, or a built Keras layer (which is then wrapped in
      `layers.LayerConditioner`, so that its weights are found).
    inner: an `Inner`, or another callable that turns the parameters into an
      elementwise bijector of ours or TFP's, such as `tfb.RationalQuadraticSpline`,
      with parameters of any shape that broadcasts with x_b `[N, H, W, C_b]`.
    mask: "channel": the first half of the channels is a, the second b.
      "checkerboard": a is the pixels of which row + column is odd (the others
      are zero for the conditioner), b the rest; C_a = C_b = C.
    flip: bool, swaps a and b.
    dtype: float dtype of the images `[..., H, W, C]`, or None for any.
    validate_args: bool, whether to assert that the conditioner's output is finite.
    conditions: dict of `layers.Condition`s by name, what the conditioner takes besides as keyword
      arguments. None: those of its own `conditions`, or every further parameter that it has
      without a default; of these the shape is not known, so their batch shape must be the images'.

  Raises:
    ValueError: for an unknown mask, an unbuilt Keras layer, an image with one
      channel and mask "channel" or with other channels than the conditioner was
      built for, a conditioner whose output does not suit the inner bijector, or an
      inner bijector that is not elementwise.
  """

  def __init__(self, conditioner, inner, mask='channel', flip=False, dtype=None,
               validate_args=False, parameters=None, name='coupling', conditions=None):
    parameters = dict(locals()) if parameters is None else parameters
    if mask not in MASKS:
      raise ValueError(f'{name}: mask must be one of {MASKS}, got {mask!r}.')
    with tf.name_scope(name) as name:
      self._conditioner = conditioner_lib.as_conditioner(conditioner)
      self._conditions = self._no_dependency(
          condition.named_conditions(self._conditioner) if conditions is None else
          dict(conditions))
      self._inner = inner
      self._mask = mask
      self._flip = flip
      super().__init__(
          forward_min_event_ndims=3, inverse_min_event_ndims=3, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def trainable(cls, num_channels, network, inner='affine', scale_map='sigmoid',
                mask='channel', flip=False, seed=0, dtype=tf.float32, name='coupling'):
    """A coupling with a network and Variables of its own.

    Args:
      num_channels: int, C of the images.
      network: callable `network(out_channels, seed=..., dtype=...)` that makes
        an unbuilt Keras layer, such as
        `functools.partial(layers.ConvNet, hidden_channels=128)`.
      inner: "affine", "additive", "mixture_logistics", "spline" or an `Inner`.
      scale_map: "sigmoid" or "tanh", of the affine part; see `AffineCoupling`.
      mask, flip, dtype, name: as for the class.
      seed: int.

    Raises:
      ValueError: for an unknown inner, scale map or mask.
    """
    inner = inner_lib.resolve(inner, scale_map)
    given, transformed = transformed_channels(num_channels, mask, flip)
    return cls(
        _built(network, given, inner.num_parameters * transformed, seed, dtype),
        inner_lib.TrainableInner(inner, transformed, scale_map, dtype),
        mask, flip, dtype, name=name)

  @property
  def conditioner(self):
    return self._conditioner

  @property
  def conditions(self):
    return self._conditions

  @property
  def inner(self):
    return self._inner

  @property
  def mask(self):
    return self._mask

  @property
  def flip(self):
    return self._flip

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def initialize(self, x, **conditions):
    """Initialises ActNorm in the conditioner, where it has any, from images x.

    Args:
      x: float Tensor `[..., H, W, C]`, what `inverse` will see.
      **conditions: what `inverse` gets besides.

    Raises:
      ValueError: as `inverse`, for conditions that do not fit.
    """
    fold = batch.Fold(self, x, 3, conditions)
    initialize = getattr(self.conditioner, 'initialize', None)
    if initialize is not None:
      initialize(self._split(fold.x)[0], **fold.conditions)

  def _forward_and_log_det(self, z, **conditions):
    return self._couple(flow_bijector.forward_and_log_det, z, conditions)

  def _inverse_and_log_det(self, x, **conditions):
    return self._couple(flow_bijector.inverse_and_log_det, x, conditions)

  def _couple(self, apply, x, conditions):
    x_a, x_b = self._split(x)
    h = self._parameters_of(x_a, x_b, conditions)
    if self.mask == 'checkerboard':
      # Where a pixel conditions, the inner bijector gets what it gets at one that it
      # transforms: there it has a value and a gradient, and both are dropped.
      moves = self._moves(x)
      inner, x_b = self.inner(self._of_moved_pixels(h, moves)), self._of_moved_pixels(x, moves)
      z_b, log_det = self._transform(apply, inner, x_b)
      return (tf.where(moves, z_b, x),
              tf.reduce_sum(tf.where(moves, log_det, tf.zeros_like(x)), [1, 2, 3]))
    z_b, log_det = self._transform(apply, self.inner(h), x_b)
    parts = [z_b, x_a] if self.flip else [x_a, z_b]
    return tf.concat(parts, -1), tf.reduce_sum(log_det, [1, 2, 3])

  def _parameters_of(self, x_a, x_b, conditions):
    """The conditioner's output, of the images' dtype."""
    in_channels = getattr(self.conditioner, 'in_channels', None)
    if None not in (in_channels, x_a.shape[-1]) and in_channels != x_a.shape[-1]:
      raise ValueError(
          f'{self.name}: the conditioner was built for {in_channels} channels, got images of '
          f'which it would see {x_a.shape[-1]}.')
    if x_a.shape[-1] is None:
      x_a = tf.ensure_shape(x_a, [*x_a.shape[:-1], in_channels])
    h = tf.cast(self.conditioner(x_a, **conditions), x_b.dtype)
    num_parameters = getattr(self.inner, 'num_parameters', None)
    if num_parameters is not None:
      made = None if x_b.shape[-1] is None else num_parameters * x_b.shape[-1]
      expected = tf.TensorShape([*x_b.shape[:-1], made])
      if not _broadcasts(h.shape, expected, num_last=1):
        raise ValueError(
            f'{self.name}: the conditioner must return the shape {expected}, {num_parameters} '
            f'for each of {x_b.shape[-1]} channels, got {h.shape}.')
    if self.validate_args:
      h = tf.debugging.assert_all_finite(
          h, f"{self.name}: the conditioner's output is not finite")
    return h

  def _transform(self, apply, inner, x_b):
    """Value and log-det of the elementwise `inner`, both of x_b's shape."""
    if inner.forward_min_event_ndims != 0:
      raise ValueError(
          f'{self.name}: the inner bijector must be elementwise, got {inner.name} with '
          f'events of {inner.forward_min_event_ndims} dimensions.')
    try:
      batch_shape = inner.experimental_batch_shape(x_event_ndims=0)
    except NotImplementedError:  # It says nothing about its parameters.
      batch_shape = tf.TensorShape(None)
    if not _broadcasts(batch_shape, x_b.shape):
      raise ValueError(
          f'{self.name}: the parameters of the inner bijector must broadcast to the '
          f'transformed part {x_b.shape}, got {batch_shape}.')
    z_b, log_det = apply(inner, x_b, event_ndims=0)
    return tf.ensure_shape(z_b, x_b.shape), log_det + tf.zeros_like(x_b)

  def _split(self, x):
    """x_a, for the conditioner, and x_b, to be transformed."""
    if self.mask == 'checkerboard':
      return tf.where(self._moves(x), tf.zeros_like(x), x), x
    if x.shape[-1] is None:
      first = tf.shape(x)[-1] // 2
      halves = [x[..., :first], x[..., first:]]
    else:
      halves = tf.split(x, transformed_channels(x.shape[-1], self.mask), axis=-1)
    return halves[::-1] if self.flip else halves

  def _moves(self, x):
    """Whether a pixel is transformed: bool `[1, H, W, 1]`."""
    _, height, width, _ = static_shape.sizes(x)
    arange = np.arange if isinstance(height, int) and isinstance(width, int) else tf.range
    odd = (arange(height)[:, None] + arange(width)[None]) % 2 == 1
    return tf.convert_to_tensor(odd == self.flip)[None, :, :, None]

  def _of_moved_pixels(self, t, moves):
    """t `[..., H or 1, W or 1, C]`, where a pixel conditions that of one transformed."""
    if t.shape.rank < 3 or t.shape[-3:-1] == [1, 1]:
      return t
    _, height, width, _ = static_shape.sizes(moves)
    column = _least(int(self.flip), width - 1)  # A single column has it in row 1.
    row = _least(int(self.flip) - column, height - 1)
    *_, height, width, _ = static_shape.sizes(t)
    row, column = _least(row, height - 1), _least(column, width - 1)
    moved = tf.stop_gradient(t[..., row:row + 1, column:column + 1, :])
    return tf.where(moves, t, moved)


class AffineCoupling(Coupling):
  """The affine coupling z_b = (x_b + shift) * scale (see `Coupling`).

  Args:
    conditioner: as for `Coupling`, giving `[N, H, W, 2 * C_b]`: shift and h.
    scale_map: "sigmoid" for scale = sigmoid(h + 2), "tanh" for
      scale = exp(tanh(h / f) * f). Only the latter is bounded below: with
      "sigmoid", `forward` of a latent unlike those of data can overflow in a
      deep flow, where each step's network sees what the last one blew up.
    log_factor: log f, float Tensor or Variable `[C_b]`; required with "tanh".
    mask, flip, dtype, validate_args: as for `Coupling`.

  Raises:
    ValueError: for an unknown scale map or a missing `log_factor`.
  """

  def __init__(self, conditioner, scale_map='sigmoid', log_factor=None, mask='channel',
               flip=False, dtype=None, validate_args=False, name='affine_coupling'):
    parameters = dict(locals())
    inner = inner_lib.resolve('affine', scale_map).bind(scale_map, log_factor)
    if (scale_map == 'tanh') != (log_factor is not None):
      raise ValueError(f'{name}: log_factor goes with scale_map="tanh" and only with it.')
    self._scale_map = scale_map
    self._log_factor = log_factor
    super().__init__(conditioner, inner, mask, flip, dtype, validate_args, parameters, name)

  @classmethod
  def trainable(cls, num_channels, network, scale_map='sigmoid', mask='channel', flip=False,
                seed=0, dtype=tf.float32, name='affine_coupling'):
    """An affine coupling with a network and Variables of its own; see `Coupling.trainable`."""
    given, transformed = transformed_channels(num_channels, mask, flip)
    log_factor = None
    if scale_map == 'tanh':
      log_factor = trainable_variable.make(tf.zeros([transformed], dtype), 'log_factor')
    return cls(_built(network, given, 2 * transformed, seed, dtype), scale_map, log_factor,
               mask, flip, dtype, name=name)

  @property
  def scale_map(self):
    return self._scale_map

  @property
  def log_factor(self):
    return self._log_factor


class AdditiveCoupling(Coupling):
  """The additive coupling z_b = x_b + conditioner(x_a), log-det 0 (see `Coupling`).

  Args:
    conditioner: as for `Coupling`, giving the shift `[N, H, W, C_b]`.
    mask, flip, dtype, validate_args: as for `Coupling`.
  """

  def __init__(self, conditioner, mask='channel', flip=False, dtype=None,
               validate_args=False, name='additive_coupling'):
    super().__init__(conditioner, inner_lib.resolve('additive'), mask, flip, dtype,
                     validate_args, dict(locals()), name)

  @classmethod
  def trainable(cls, num_channels, network, mask='channel', flip=False, seed=0,
                dtype=tf.float32, name='additive_coupling'):
    """An additive coupling with a network of its own; see `Coupling.trainable`."""
    given, transformed = transformed_channels(num_channels, mask, flip)
    return cls(_built(network, given, transformed, seed, dtype), mask, flip, dtype, name=name)


def _built(network, in_channels, out_channels, seed, dtype):
  layer = network(out_channels, seed=seed, dtype=tf.as_dtype(dtype).name)
  layer.build([None, None, None, in_channels])
  return layer


def _broadcasts(shape, target, num_last=0):
  """Whether `shape` broadcasts to `target`, its last `num_last` sizes equal to the target's."""
  if shape.rank is None or target.rank is None:
    return True
  if not num_last <= shape.rank <= target.rank:
    return False
  sizes = zip(reversed(shape.as_list()), reversed(target.as_list()))
  return all(None in (size, wanted) or size == wanted or (size == 1 and i >= num_last)
             for i, (size, wanted) in enumerate(sizes))


def _least(a, b):
  """The smaller of two sizes, an int if both are."""
  return min(a, b) if isinstance(a, int) and isinstance(b, int) else tf.minimum(a, b)
