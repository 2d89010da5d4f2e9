"""The base of our bijectors: one pass for value and log-det, and a cache that is never stale."""

import weakref

import tensorflow as tf
import tensorflow_probability as tfp

from tensorflow.python.eager import record  # No public API tells whether a tape records.
from tensorflow_probability.python.internal import cache_util

tfb = tfp.bijectors

__all__ = [
    'FlowBijector',
    'check_channels',
    'forward_and_log_det',
    'inverse_and_log_det',
    'per_image',
]


class FlowBijector(tfb.Bijector):
  """A `tfb.Bijector` whose value and log-det come from one fused pass.

  A subclass implements `_forward_and_log_det(x, **kwargs)` and
  `_inverse_and_log_det(y, **kwargs)`, each returning the value and the
  log|det| of its own direction. They see exactly one batch dimension in front
  of the event (any other batch shape is folded into it), so the log-det has
  shape `[N]`; elementwise bijectors see the input as it is. Both must be pure
  functions of their arguments and of the bijector's parameters.

  Differences from `tfb.Bijector`, both about TFP's cache:

  - `forward` and `inverse` store the log-det they computed on the way, so
    `log_prob` and `experimental_sample_and_log_prob` run a network once.
  - Equality is identity, and the hash also covers what a cached result depends
    on besides its input: the values of the variables (in eager mode) and
    whether a `tf.GradientTape` recorded the result. TFP keys the caches of
    `Chain` and the other wrappers by the hashes of their parts, so there too a
    result computed before `variable.assign`, or outside the tape that is now
    recording, is never returned. Do not use a bijector as a dictionary key.
  """

  # Whether keyword arguments of `forward` and `inverse` are meant for it.
  accepts_condition = False

  _cache = cache_util.BijectorCacheWithGreedyAttrs(
      forward_name='_augmented_forward', inverse_name='_augmented_inverse')

  def forward_and_log_det(self, x, **kwargs):
    """Returns `forward(x)` and its log|det| in one pass, without the cache.

    Args:
      x: float Tensor (or structure of them), as `forward` takes it.
      **kwargs: passed on to the conditioners of couplings.

    Returns:
      A pair: the value, and log|det d forward(x) / dx| of each event, in nats.

    Raises:
      ValueError: if the shape of `x` does not fit.
    """
    return self._fold_batch(
        self._forward_and_log_det, x, self.forward_min_event_ndims, kwargs)

  def inverse_and_log_det(self, y, **kwargs):
    """Returns `inverse(y)` and log|det d inverse(y) / dy|, as `forward_and_log_det`."""
    return self._fold_batch(
        self._inverse_and_log_det, y, self.inverse_min_event_ndims, kwargs)

  def _fold_batch(self, fn, x, event_ndims, kwargs):
    """Calls `fn` with the batch dimensions of `x` folded into one."""
    x = tf.nest.map_structure(lambda t: tf.convert_to_tensor(t, self.dtype), x)
    parts, ndims = tf.nest.flatten(x), tf.nest.flatten(event_ndims)
    if all(n == 0 or part.shape.rank == n + 1 for part, n in zip(parts, ndims)):
      return fn(x, **kwargs)
    for part, n in zip(parts, ndims):
      if part.shape.rank is None or part.shape.rank < n:
        expected = {1: '[..., size]', 3: '[..., height, width, channels]'}[n]
        raise ValueError(
            f'{self.name}: the input must have the shape {expected}, got {part.shape}.')
    batch_shape = tf.shape(parts[0])[:parts[0].shape.rank - ndims[0]]
    static_batch_shape = parts[0].shape[:parts[0].shape.rank - ndims[0]]

    def fold(part, n):
      event_shape = part.shape[part.shape.rank - n:]
      folded = tf.reshape(
          part, tf.concat([[-1], tf.shape(part)[part.shape.rank - n:]], 0))
      return tf.ensure_shape(folded, [None, *event_shape])

    def unfold(part):
      unfolded = tf.reshape(part, tf.concat([batch_shape, tf.shape(part)[1:]], 0))
      return tf.ensure_shape(unfolded, static_batch_shape + part.shape[1:])

    folded = tf.nest.pack_sequence_as(
        x, [fold(part, n) for part, n in zip(parts, ndims)])
    value, log_det = fn(folded, **kwargs)
    return tf.nest.map_structure(unfold, value), unfold(log_det)

  def _forward(self, x, **kwargs):
    return self.forward_and_log_det(x, **kwargs)[0]

  def _inverse(self, y, **kwargs):
    return self.inverse_and_log_det(y, **kwargs)[0]

  def _forward_log_det_jacobian(self, x, **kwargs):
    return self.forward_and_log_det(x, **kwargs)[1]

  def _inverse_log_det_jacobian(self, y, **kwargs):
    return self.inverse_and_log_det(y, **kwargs)[1]

  def _augmented_forward(self, x, **kwargs):
    y, fldj = self.forward_and_log_det(x, **kwargs)
    self._cached_state().add(y)
    return y, {'ildj': -fldj}

  def _augmented_inverse(self, y, **kwargs):
    x, ildj = self.inverse_and_log_det(y, **kwargs)
    self._cached_state().add(x)
    return x, {'ildj': ildj}

  def _cached_state(self):
    state = getattr(self, '_state', None)
    if state is None:
      state = self._state = _CachedState(self)
    return state

  def __eq__(self, other):
    return self is other

  def __hash__(self):
    return hash((id(self), self._cached_state().epoch()))


class _CachedState:
  """Counts the epochs within which cached results of one bijector agree.

  TFP holds an input's log-det after its output is gone, so an epoch also ends
  when every result of it has been dropped.
  """

  def __init__(self, bijector):
    self._bijector = weakref.ref(bijector)
    self._epoch = 0
    self._clear()

  def __deepcopy__(self, memo):
    return None  # A copied bijector starts with a state of its own.

  def _clear(self):
    self._results = {}
    self._newest = None
    self._variables = ()
    self._values = None

  def _next_epoch(self):
    self._epoch += 1
    self._clear()

  def add(self, structure):
    """Notes a result that TFP is about to cache."""
    for tensor in tf.nest.flatten(structure):
      key = id(tensor)
      self._newest = weakref.ref(tensor)
      self._results[key] = weakref.ref(
          tensor, lambda _, key=key, epoch=self._epoch: self._drop(key, epoch))

  def _drop(self, key, epoch):
    if epoch == self._epoch:
      self._results.pop(key, None)
      if not self._results:
        self._next_epoch()

  def epoch(self):
    """The current epoch, a new one if the old one's results must not be used."""
    if self._results and not (self._tape_agrees() and self._variables_agree()):
      self._next_epoch()
    if self._values is None and tf.executing_eagerly():
      # Reading shares the variable's buffer; an assignment then makes a new
      # one, so the values to compare with cost nothing until there is a change.
      self._variables = self._bijector().variables
      self._values = [tf.identity(v) for v in self._variables]
    return self._epoch

  def _tape_agrees(self):
    if not record.could_possibly_record():
      return True
    newest = self._newest()
    return newest is not None and record.should_record_backprop([newest])

  def _variables_agree(self):
    if self._values is None or not tf.executing_eagerly():
      return True
    if not self._values:
      return True
    with record.stop_recording():
      return bool(tf.reduce_all([
          tf.reduce_all(tf.equal(variable, value))
          for variable, value in zip(self._variables, self._values)]))


def forward_and_log_det(bijector, x, event_ndims, **kwargs):
  """Value and forward log|det| of any `tfb.Bijector`, fused where it is ours."""
  if isinstance(bijector, FlowBijector):
    return bijector.forward_and_log_det(x, **kwargs)
  return (bijector.forward(x, **kwargs),
          bijector.forward_log_det_jacobian(x, event_ndims=event_ndims, **kwargs))


def inverse_and_log_det(bijector, y, event_ndims, **kwargs):
  """Value and inverse log|det| of any `tfb.Bijector`, fused where it is ours."""
  if isinstance(bijector, FlowBijector):
    return bijector.inverse_and_log_det(y, **kwargs)
  return (bijector.inverse(y, **kwargs),
          bijector.inverse_log_det_jacobian(y, event_ndims=event_ndims, **kwargs))


def per_image(log_det_per_pixel, x):
  """`H * W * log_det_per_pixel`, which is a scalar or `[N]`, as `[N]` for x `[N, H, W, C]`."""
  shape = tf.shape(x)
  num_pixels = tf.cast(shape[1] * shape[2], x.dtype)
  return tf.broadcast_to(num_pixels * log_det_per_pixel, shape[:1])


def check_channels(bijector, x, num_channels):
  """Raises a ValueError unless x `[..., C]` has `num_channels` channels."""
  if x.shape.rank is not None and x.shape.rank < 3:
    raise ValueError(
        f'{bijector.name}: images must have the shape [..., height, width, channels], '
        f'got {x.shape}.')
  if x.shape.rank is not None and x.shape[-1] not in (None, num_channels):
    raise ValueError(
        f'{bijector.name}: made for images with {num_channels} channels, '
        f'got the shape {x.shape} with {x.shape[-1]}.')
