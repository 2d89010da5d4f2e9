"""Batch dimensions of images and conditions, folded into one and unfolded again."""

import tensorflow as tf

__all__ = ['Fold', 'with_leading', 'with_leading_tensor']

_EVENTS = {1: '[..., size]', 3: '[..., height, width, channels]'}


class Fold:
  """The input and the conditions of a bijector with one batch dimension in front.

      images [2, 3, H, W, C], labels [3]   ->   images [6, H, W, C], labels [6]

  Batch shapes broadcast with each other as those of a distribution's parameters do.
  The input of an elementwise bijector, which has no event, and of one that does not fold
  its batch stays as it is.

  Args:
    bijector: a `FlowBijector`, for its dtype, name and `conditions`.
    x: Tensor or structure of Tensors, the input.
    event_ndims: int or structure of ints like `x`.
    conditions: dict of what the user gave, by name.

  Attributes:
    x: like the argument, Tensors `[N, ...event]`.
    conditions: dict of Tensors `[N, ...event]`.

  Raises:
    ValueError: for an input of too few dimensions, and for conditions that are missing, not
      known, of another form, or whose batch shape does not broadcast.
  """

  def __init__(self, bijector, x, event_ndims, conditions):
    self._name = bijector.name
    x = tf.nest.map_structure(lambda t: tf.convert_to_tensor(t, bijector.dtype), x)
    parts, ndims = tf.nest.flatten(x), tf.nest.flatten(event_ndims)
    forms = bijector.conditions
    values = _checked(bijector, forms, conditions, parts[0].dtype)
    for part, n in zip(parts, ndims):
      if part.shape.rank is not None and part.shape.rank < n:
        raise ValueError(f'{self._name}: the input must have the shape {_EVENTS[n]}, '
                         f'got {part.shape}.')
    self._batch = None
    if ndims[0] and bijector.folds_batch:
      batches = [_Batch(part, n) for part, n in zip(parts, ndims)]
      known = {name: _Batch(value, len(forms[name].event_shape))
               for name, value in values.items() if forms[name].event_shape is not None}
      self._batch = self._broadcast(batches, known)
      parts = [_folded(b, self._batch) for b in batches]
      values = {name: _folded(known[name], self._batch) if name in known
                else _folded_like(value, batches[0]) for name, value in values.items()}
    self.x, self.conditions = tf.nest.pack_sequence_as(x, parts), values

  def unfold(self, structure):
    """A structure of Tensors `[N, ...]` with the batch shape in the place of N."""
    if self._batch is None or self._batch.static.rank == 1:
      return structure

    def unfold(part):
      unfolded = tf.reshape(part, tf.concat([self._batch.dynamic, tf.shape(part)[1:]], 0))
      return tf.ensure_shape(unfolded, self._batch.static.concatenate(part.shape[1:]))

    return tf.nest.map_structure(unfold, structure)

  def _broadcast(self, batches, known):
    """The batch shape that all have together."""
    together = batches[0]
    for other in batches[1:]:
      together = together.broadcast(other)
    for name, other in known.items():
      try:
        together = together.broadcast(other)
      except ValueError as error:
        raise ValueError(
            f'{self._name}: the condition {name} has the batch shape {other.static}, which does '
            f'not broadcast with {together.static} of the input.') from error
    return together


class _Batch:
  """A batch shape, as far as it is known and as a Tensor, with the value that has it."""

  def __init__(self, value, event_ndims):
    self.value = value
    self.event_ndims = event_ndims
    rank = value.shape.rank
    self.static = tf.TensorShape(None) if rank is None else value.shape[:rank - event_ndims]
    self.event = tf.TensorShape([None] * event_ndims) if rank is None else (
        value.shape[rank - event_ndims:])

  @property
  def dynamic(self):
    if self.static.is_fully_defined():
      return tf.constant(self.static.as_list(), tf.int32, [self.static.rank])
    shape, rank = tf.shape(self.value), self.value.shape.rank
    return shape[:(tf.size(shape) if rank is None else rank) - self.event_ndims]

  def broadcast(self, other):
    static = tf.broadcast_static_shape(self.static, other.static)
    if self.static.is_fully_defined() and static == self.static:
      return self
    return _Broadcast(static, self, other)


class _Broadcast(_Batch):
  """The batch shape of two."""

  def __init__(self, static, *both):  # pylint: disable=super-init-not-called
    self.static = static
    self._both = both

  @property
  def dynamic(self):
    if self.static.is_fully_defined():
      return tf.constant(self.static.as_list(), tf.int32, [self.static.rank])
    return tf.broadcast_dynamic_shape(*(batch.dynamic for batch in self._both))


def _checked(bijector, forms, conditions, dtype):
  """The conditions as Tensors of their forms."""
  unknown = sorted(set(conditions) - set(forms))
  if unknown:
    takes = f'it takes {", ".join(forms)}' if forms else 'it takes none'
    raise ValueError(f'{bijector.name}: the condition {unknown[0]} is not known; {takes}.')
  for name in forms:
    if conditions.get(name) is None:
      raise ValueError(
          f'{bijector.name}: the condition {name} is missing; pass {name}=... (in a distribution: '
          f'bijector_kwargs=dict({name}=...), within a Chain '
          f'bijector_kwargs={{bijector.name: dict({name}=...)}}).')
  return {name: form.checked(bijector.name, name, conditions[name], dtype)
          for name, form in forms.items()}


def _folded(part, batch):
  """A Tensor `[N, ...event]` of one of the batch shape `batch`, or one that broadcasts to it."""
  value, event = part.value, part.event
  if part.static.rank == 1 and batch is part:
    return value
  event_shape = event if event.is_fully_defined() else (
      tf.shape(value)[tf.rank(value) - part.event_ndims:])
  if not (batch.static.is_fully_defined() and part.static == batch.static):
    value = tf.broadcast_to(value, tf.concat([batch.dynamic, event_shape], 0))
  if batch.static.rank != 1:
    value = tf.reshape(value, tf.concat([[-1], event_shape], 0))
  size = batch.static.num_elements() if batch.static.is_fully_defined() else None
  return tf.ensure_shape(value, [size, *event])


def _folded_like(value, batch):
  """A condition of unknown form, which begins with the batch shape of the input."""
  rank = batch.static.rank
  if rank in (None, 1) or not tf.is_tensor(value):
    return value
  return tf.reshape(value, tf.concat([[-1], tf.shape(value)[rank:]], 0))


def with_leading(fn, shapes, event_ndims):
  """What becomes of shapes `[..., event]`, by a function of the event's.

  Args:
    fn: callable from a `tf.TensorShape`, or a structure of them, to such a structure.
    shapes: structure of `tf.TensorShape`s.
    event_ndims: structure of ints like it.
  """
  batches, pack = [], lambda parts: tf.nest.pack_sequence_as(event_ndims, parts)
  for shape, n in zip(_shapes(shapes, event_ndims), tf.nest.flatten(event_ndims)):
    rank = shape.rank
    batches.append((tf.TensorShape(None), tf.TensorShape([None] * n)) if rank is None else (
        shape[:rank - n], shape[rank - n:]))
  made = fn(pack([event for _, event in batches]))
  leading = batches[0][0]
  if isinstance(made, list):
    return [leading.concatenate(event) for event in made]
  return leading.concatenate(made)


def with_leading_tensor(fn, shapes, event_ndims):
  """As `with_leading`, of int Tensors."""
  parts, ndims = tf.nest.flatten(shapes), tf.nest.flatten(event_ndims)
  starts = [tf.size(part) - n for part, n in zip(parts, ndims)]
  made = fn(tf.nest.pack_sequence_as(
      event_ndims, [part[start:] for part, start in zip(parts, starts)]))
  leading = parts[0][:starts[0]]
  return tf.nest.map_structure(lambda event: tf.concat([leading, event], 0), made)


def _shapes(shapes, event_ndims):
  return [shapes] if isinstance(event_ndims, int) else list(shapes)
