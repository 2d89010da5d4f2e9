"""Shapes as far as they are known while tracing.

What is known is a constant, one node of a graph; tf.shape and the picking of its parts are many.
"""

import tensorflow as tf

__all__ = ['sizes', 'with_last']


def sizes(x):
  """The size of each dimension of x.

  Args:
    x: Tensor.

  Returns:
    A list of ints, and of int32 scalars for the dimensions that only a run knows; an int32 Tensor
    where even their number is unknown.
  """
  if x.shape.rank is None:
    return tf.shape(x)
  if x.shape.is_fully_defined():
    return x.shape.as_list()
  return [dynamic if static is None else static
          for static, dynamic in zip(x.shape, tf.unstack(tf.shape(x)))]


def with_last(x, *last):
  """The shape of x, as tf.reshape takes it, with other sizes in the place of the last one.

  Args:
    x: Tensor `[..., C]`.
    *last: ints.

  Returns:
    A list of ints, or an int32 Tensor where more is unknown than tf.reshape finds out.
  """
  if x.shape.rank is not None:
    first = [-1 if size is None else size for size in x.shape[:-1]]
    if first.count(-1) <= 1:
      return [*first, *last]
  return tf.concat([tf.shape(x)[:-1], last], 0)
