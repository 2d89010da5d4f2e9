"""Invertible 1x1 convolution: a learned rotation of the channels."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import trainable_variable
from tfp_glow.private import tfp as private_tfp

__all__ = ['InvertibleConv1x1', 'PlainInvertibleConv1x1', 'random_rotation']


def random_rotation(num_channels, seed, batch_shape=()):
  """Random rotations: Q of the QR decomposition of normal matrices.

  Args:
    num_channels: int, C.
    seed: int.
    batch_shape: tuple of ints.

  Returns:
    A float64 Tensor `[*batch_shape, C, C]` with |det| = 1.
  """
  normal = tf.random.stateless_normal(
      [*batch_shape, num_channels, num_channels], seed=[seed, num_channels], dtype=tf.float64,
      alg='philox')
  return tf.linalg.qr(normal)[0]


class InvertibleConv1x1(channel_linear.ChannelLinear):
  """1x1 convolution in LU form (Kingma & Dhariwal 2018, section 3.2, equation 10).

      W = P L (U + diag(sign * exp(log_s)))
      inverse   y = W x                    (over the channels of each pixel)
      forward   x = W^-1 y                 (triangular solves)
      log|det dy/dx| = H * W * sum(log_s)

  P and sign stay what they were at the start, so no step of an optimizer can
  make W singular.

  Args:
    lower: float Tensor or Variable `[C, C]`; L is its strict lower triangle
      with ones on the diagonal.
    upper: float Tensor or Variable `[C, C]`; U is its strict upper triangle.
    log_s: float Tensor or Variable `[C]`.
    sign: float Tensor or Variable `[C]` of ones and minus ones.
    permutation: int32 Tensor or Variable `[C]`; row i of W is row
      `permutation[i]` of the product of the triangles.

  Inputs are `[..., H, W, C]` of the parameters' dtype.
  """

  def __init__(self, lower, upper, log_s, sign, permutation, validate_args=False,
               name='invertible_conv_1x1'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([lower, upper, log_s, sign], dtype_hint=tf.float32)
      convert = private_tfp.convert_nonref_to_tensor
      self._lower = convert(lower, dtype=dtype, name='lower')
      self._upper = convert(upper, dtype=dtype, name='upper')
      self._log_s = convert(log_s, dtype=dtype, name='log_s')
      self._sign = convert(sign, dtype=dtype, name='sign')
      self._permutation = convert(permutation, dtype=tf.int32, name='permutation')
      super().__init__(dtype=dtype, validate_args=validate_args, parameters=parameters,
                       name=name)

  @classmethod
  def trainable(cls, num_channels, parameterization='lu', seed=0, dtype=tf.float32,
                name='invertible_conv_1x1'):
    """A convolution with Variables of its own that starts as a random rotation.

    Args:
      num_channels: int, C.
      parameterization: "lu", or "plain" for `PlainInvertibleConv1x1`.
      seed: int.
      dtype: float dtype of the Variables.
      name: str.

    Returns:
      An `InvertibleConv1x1` or a `PlainInvertibleConv1x1`.

    Raises:
      ValueError: for another parameterization.
    """
    return cls.from_rotations(
        random_rotation(num_channels, seed), parameterization, dtype, name)

  @classmethod
  def from_rotations(cls, rotations, parameterization='lu', dtype=tf.float32,
                     name='invertible_conv_1x1'):
    """Like `trainable`, from given non-singular matrices `[..., C, C]` in float64."""
    if parameterization == 'plain':
      return PlainInvertibleConv1x1(
          trainable_variable.make(tf.cast(rotations, dtype), 'kernel'), name=name)
    if parameterization != 'lu':
      raise ValueError(
          f'parameterization must be "lu" or "plain", got {parameterization!r}.')
    lu, permutation = tf.linalg.lu(rotations)
    diagonal = tf.linalg.diag_part(lu)
    variable = lambda value, name: trainable_variable.make(tf.cast(value, dtype), name)
    return cls(
        lower=variable(lu - tf.linalg.band_part(lu, 0, -1), 'lower'),
        upper=variable(lu - tf.linalg.band_part(lu, -1, 0), 'upper'),
        log_s=variable(tf.math.log(tf.abs(diagonal)), 'log_s'),
        sign=trainable_variable.make_fixed(tf.cast(tf.sign(diagonal), dtype), 'sign'),
        permutation=trainable_variable.make_fixed(
            tf.argsort(permutation), 'permutation'),
        name=name)

  @property
  def lower(self):
    return self._lower

  @property
  def upper(self):
    return self._upper

  @property
  def log_s(self):
    return self._log_s

  @property
  def sign(self):
    return self._sign

  @property
  def permutation(self):
    return self._permutation

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    matrix = tfp.util.ParameterProperties(event_ndims=2)
    vector = tfp.util.ParameterProperties(event_ndims=1)
    return dict(lower=matrix, upper=matrix, log_s=vector, sign=vector, permutation=vector)

  @property
  def num_channels(self):
    return self.log_s.shape[-1]

  def _triangles(self):
    lower = tf.convert_to_tensor(self.lower)
    upper = tf.convert_to_tensor(self.upper)
    diagonal = self.sign * tf.exp(self.log_s)
    return (tf.linalg.set_diag(tf.linalg.band_part(lower, -1, 0), tf.ones_like(diagonal)),
            tf.linalg.set_diag(tf.linalg.band_part(upper, 0, -1), diagonal))

  def _permutation_matrix(self):
    return tf.one_hot(self.permutation, self.num_channels, dtype=self.dtype)

  def kernel(self):
    lower, upper = self._triangles()
    return tf.matmul(self._permutation_matrix(), tf.matmul(lower, upper))

  def inverse_kernel(self):
    lower, upper = self._triangles()
    transposed_permutation = tf.linalg.matrix_transpose(self._permutation_matrix())
    return tf.linalg.triangular_solve(
        upper, tf.linalg.triangular_solve(lower, transposed_permutation), lower=False)

  def log_abs_det(self):
    return tf.reduce_sum(self.log_s, -1)


class PlainInvertibleConv1x1(channel_linear.ChannelLinear):
  """1x1 convolution by a full matrix (Kingma & Dhariwal 2018, section 3.2, equation 9).

      inverse   y = W x                    (over the channels of each pixel)
      forward   x = W^-1 y
      log|det dy/dx| = H * W * log|det W|

  An optimizer can drive W to a singular matrix; `InvertibleConv1x1` cannot
  become one. `slogdet` has no XLA kernel on CPU.

  Args:
    kernel: float Tensor or Variable `[C, C]`, W.

  Inputs are `[..., H, W, C]` of the kernel's dtype.
  """

  def __init__(self, kernel, validate_args=False, name='plain_invertible_conv_1x1'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([kernel], dtype_hint=tf.float32)
      self._kernel = private_tfp.convert_nonref_to_tensor(
          kernel, dtype=dtype, name='kernel')
      super().__init__(dtype=dtype, validate_args=validate_args, parameters=parameters,
                       name=name)

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict(kernel=tfp.util.ParameterProperties(event_ndims=2))

  @property
  def num_channels(self):
    return self._kernel.shape[-1]

  def kernel(self):
    return tf.convert_to_tensor(self._kernel)

  def inverse_kernel(self):
    return tf.linalg.inv(self._kernel)

  def log_abs_det(self):
    return tf.linalg.slogdet(self._kernel).log_abs_determinant
