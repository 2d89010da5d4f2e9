"""Random numbers that depend on their seed only, not on how they are compiled.

TensorFlow's stateless float generators give other numbers under XLA than
without it; its integer generators do not. So floats are made from integers here.
"""

import hashlib
import math

import tensorflow as tf

__all__ = ['checked_seed', 'fold_seed', 'normal', 'uniform']


def fold_seed(seed):
  """Any int as one of 64 bits, as a seed has to be: itself where it is one, else a hash of it.

  Args:
    seed: int.

  Returns:
    An int from -2**63 to 2**63 - 1.
  """
  if -2**63 <= seed < 2**63:
    return int(seed)
  digest = hashlib.sha256(hex(seed).encode()).digest()
  return int.from_bytes(digest[:8], 'big', signed=True)


def checked_seed(seed):
  """A seed as it was given, which has to be two ints or an integer Tensor `[2]`.

  Raises:
    ValueError: if it is anything else.
  """
  try:
    value = tf.convert_to_tensor(seed)
  except (TypeError, ValueError):
    value = tf.constant('')
  if not value.dtype.is_integer or not value.shape.is_compatible_with([2]):
    raise ValueError(f'seed must be two ints, such as (0, 7), got {seed!r}.')
  return seed


def uniform(shape, seed):
  """Uniform float32 numbers in [0, 1), multiples of 2**-24.

  Args:
    shape: shape of the result.
    seed: two ints, or an integer Tensor `[2]`.

  Raises:
    ValueError: for another seed.
  """
  bits = tf.random.stateless_uniform(
      shape, checked_seed(seed), minval=None, maxval=None, dtype=tf.uint32, alg='philox')
  return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.**-24


def normal(shape, seed):
  """Standard normal float32 numbers, by the transform of Box and Muller (1958).

  Args:
    shape: shape of the result.
    seed: two ints, or an integer Tensor `[2]`.

  Raises:
    ValueError: for another seed.
  """
  shape = tf.convert_to_tensor(shape, tf.int32)
  radius, angle = tf.unstack(uniform(tf.concat([[2], shape], 0), seed))
  normals = tf.sqrt(-2. * tf.math.log1p(-radius)) * tf.cos(2. * math.pi * angle)
  static_shape = tf.get_static_value(shape)
  return normals if static_shape is None else tf.ensure_shape(normals, static_shape)
