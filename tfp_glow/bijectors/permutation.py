"""Fixed permutations of the channels, the 1x1 convolution's ablations."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import trainable_variable
from tfp_glow.layers import seeds
from tfp_glow.private import tfp as private_tfp

__all__ = ['ChannelPermutation', 'alternating_orders', 'assert_orders', 'reversed_order',
           'shuffled_order', 'shuffled_orders']


def reversed_order(num_channels):
  """The channels back to front, as in Real NVP: an int32 array `[C]`."""
  return np.arange(num_channels - 1, -1, -1, dtype=np.int32)


def shuffled_order(num_channels, seed):
  """A random order of the channels that depends on `seed` only: int32 `[C]`."""
  return np.random.default_rng(seed).permutation(num_channels).astype(np.int32)


def shuffled_orders(num_channels, depth, seed):
  """A `shuffled_order` for each of K steps: int32 `[K, C]`."""
  return np.stack([
      shuffled_order(num_channels, seeds.derived_seed(seed, k)) for k in range(depth)])


def alternating_orders(num_channels, depth, seed):
  """Orders by which each two couplings in a row transform every channel once.

  Every second step has a random order; the one after it swaps the halves that its coupling
  splits.

  Args:
    num_channels: int, C.
    depth: int, K, the number of steps.
    seed: int.

  Returns:
    An int32 array `[K, C]`.
  """
  orders = shuffled_orders(num_channels, depth, seed)
  orders[1::2] = np.roll(np.arange(num_channels), num_channels // 2)
  return orders


def assert_orders(orders, name, validate_args):
  """Checks that int32 orders `[..., C]` each have 0 ... C-1 once.

  Args:
    orders: Tensor or Variable.
    name: str, of the bijector, for messages.
    validate_args: bool, whether what is known only when a graph runs is asserted.

  Returns:
    A list of assertions, for `_parameter_control_dependencies`.

  Raises:
    ValueError: if the values are known and wrong.
  """
  message = f'{name}: a permutation of C channels needs each of 0 ... C-1 once'
  eagerly = tf.executing_eagerly() and isinstance(orders, tf.Variable)
  values = orders.numpy() if eagerly else tf.get_static_value(orders)
  if values is not None:
    if np.ndim(values) < 1 or np.any(np.sort(values) != np.arange(np.shape(values)[-1])):
      raise ValueError(f'{message}, got {np.asarray(values).tolist()}.')
    return []
  if not validate_args:
    return []
  ordered, indices = tf.sort(orders), tf.range(tf.shape(orders)[-1])
  return [tf.debugging.Assert(tf.reduce_all(ordered == indices), [message, orders])]


class ChannelPermutation(channel_linear.ChannelLinear):
  """A fixed permutation of the channels (Kingma & Dhariwal 2018, sections 3.2 and 5.1).

      inverse   y[i] = x[permutation[i]]
      forward   x[permutation[i]] = y[i]
      log|det dy/dx| = 0

  Args:
    permutation: int32 Tensor or Variable `[C]`, an order of 0 ... C-1; or `[..., C]` for a
      batch of permutations.
    dtype: float dtype of the inputs `[..., H, W, C]`, or None for any.
    validate_args: bool, whether to assert that orders known only when a graph runs are
      such; others always are checked.

  Raises:
    ValueError: if the permutation is known and lacks a channel or has one twice.
  """

  def __init__(self, permutation, dtype=None, validate_args=False,
               name='channel_permutation'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      self._permutation = private_tfp.convert_nonref_to_tensor(
          permutation, dtype=tf.int32, name='permutation')
      super().__init__(dtype=dtype, validate_args=validate_args, parameters=parameters,
                       name=name)

  @classmethod
  def fixed(cls, orders, dtype=tf.float32, name='channel_permutation'):
    """A permutation that a checkpoint restores, from int32 `[..., C]`."""
    return cls(trainable_variable.make_fixed(orders, 'permutation'), dtype, name=name)

  @property
  def permutation(self):
    return self._permutation

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict(permutation=tfp.util.ParameterProperties(event_ndims=1))

  @property
  def _is_permutation(self):
    return True

  def _parameter_control_dependencies(self, is_init):
    if not is_init and not self.validate_args:
      return []
    return assert_orders(self.permutation, self.name, self.validate_args)

  @property
  def num_channels(self):
    return self.permutation.shape[-1]

  def kernel(self):
    return tf.one_hot(self.permutation, self.num_channels, dtype=self.dtype or tf.float32)

  def inverse_kernel(self):
    return tf.linalg.matrix_transpose(self.kernel())

  def log_abs_det(self):
    return tf.zeros(self.permutation.shape[:-1], self.dtype or tf.float32)
