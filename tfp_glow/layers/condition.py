"""What an image is modelled given: labels, vectors or images, with the shape of one of them."""

import dataclasses
import inspect
from typing import Optional, Tuple

import tensorflow as tf

__all__ = ['Condition', 'merged', 'named_conditions']


@dataclasses.dataclass(frozen=True)
class Condition:
  """The form of a condition, which comes as a Tensor of batch shape and event shape.

  Attributes:
    event_shape: tuple of ints or Nones: `()` for labels and other scalars, `(F,)` for vectors,
      `(h, w, c)` for images; None for a form that is not known, whose batch shape must then be
      that of the images.
    num_classes: int; above 0 it is a label, an integer from 0 to `num_classes - 1`.
    dtype: dtype, None for the flow's own.
  """

  event_shape: Optional[Tuple[Optional[int], ...]] = None
  num_classes: int = 0
  dtype: Optional[tf.DType] = None

  def checked(self, owner, name, value, dtype):
    """The condition as a Tensor of the form that it should have.

    Args:
      owner: str, the bijector's name, for messages.
      name: str, the condition's name.
      value: what the user gave.
      dtype: the flow's dtype.

    Returns:
      Tensor `[...batch, *event_shape]`.

    Raises:
      ValueError: for another shape or dtype, or labels out of range. What is only known when a
        graph runs is an InvalidArgumentError then (under XLA, which has no assertions, nothing).
    """
    if self.num_classes:
      return self._checked_labels(owner, name, value)
    wanted = self.dtype or dtype
    try:
      value = tf.convert_to_tensor(value, dtype_hint=wanted)
    except (TypeError, ValueError) as error:
      raise ValueError(f'{owner}: the condition {name} must be a {wanted.name} Tensor, '
                       f'got {type(value).__name__}.') from error
    if value.dtype == tf.string or self.dtype not in (None, value.dtype):
      raise ValueError(
          f'{owner}: the condition {name} must be {wanted.name}, got {value.dtype.name}.')
    if wanted is not None and value.dtype != wanted and self.event_shape is not None:
      value = tf.cast(value, wanted)
    ndims = len(self.event_shape or ())
    if value.shape.rank is not None and (
        value.shape.rank < ndims
        or not value.shape[value.shape.rank - ndims:].is_compatible_with(self.event_shape or ())):
      sizes = ', '.join('any' if n is None else str(n) for n in self.event_shape)
      raise ValueError(f'{owner}: the condition {name} must have the shape [..., {sizes}], '
                       f'got {value.shape}.')
    return value

  def _checked_labels(self, owner, name, labels):
    labels = tf.convert_to_tensor(labels)
    if not labels.dtype.is_integer:
      raise ValueError(f'{owner}: {name} must be integers, got {labels.dtype.name}.')
    wanted = f'{owner}: {name} must lie between 0 and {self.num_classes - 1}'
    # Compared as they came: a cast would wrap large ones around.
    values = tf.get_static_value(labels)
    if values is not None:
      outside = values[(values < 0) | (values >= self.num_classes)]
      if outside.size:
        raise ValueError(f'{wanted}, got {outside.flat[0]}.')
      return tf.cast(labels, tf.int32)
    in_range = tf.reduce_all((labels >= 0) & (labels < self.num_classes))
    with tf.control_dependencies([tf.debugging.Assert(in_range, [f'{wanted}, got', labels])]):
      return tf.cast(labels, tf.int32)


def merged(several):
  """The conditions that several parts take together, a dict of `Condition`s by name.

  Args:
    several: iterable of such dicts.

  Raises:
    ValueError: if two parts take another form of condition by one name.
  """
  together = {}
  for conditions in several:
    for name, condition in conditions.items():
      known = together.get(name, condition)
      if condition.event_shape is None:
        condition = known
      elif known not in (condition, Condition()):
        raise ValueError(f'the condition {name} would have to be both {known} and {condition}.')
      together[name] = condition
  return together


def named_conditions(function):
  """The conditions that a function names, in the form that its own shape checks may know.

  Args:
    function: callable; its own dict `conditions` if it has one, else every parameter after the
      first that has no default.

  Returns:
    A dict of `Condition`s by name.
  """
  own = getattr(function, 'conditions', None)
  if own is not None:
    return dict(own)
  try:
    _, *others = inspect.signature(function).parameters.values()
  except (TypeError, ValueError):  # Of a built-in, nothing is known.
    return {}
  named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
  return {parameter.name: Condition() for parameter in others
          if parameter.kind in named and parameter.default is inspect.Parameter.empty}
