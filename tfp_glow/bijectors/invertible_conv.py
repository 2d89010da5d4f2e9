"""Invertible 1x1 convolution: a learned rotation of the channels."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import permutation as permutation_lib
from tfp_glow.bijectors import trainable_variable
from tfp_glow.private import tfp as private_tfp

__all__ = ['InvertibleConv1x1', 'PlainInvertibleConv1x1', 'random_rotation']

# In which W and its inverse are made from the parameters, once a call however large the
# images: rounded only at the end, the two undo each other three times as exactly.
_FACTORS_DTYPE = tf.float64


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
    validate_args: bool, whether to assert that the factors are finite, that signs are 1 or -1,
      and that a permutation known only when a graph runs is one.

  Parameters with leading dimensions, `[..., C, C]` and `[..., C]`, make a batch of
  convolutions. Inputs are `[..., H, W, C]` of the parameters' dtype.

  Raises:
    ValueError: if the parameters are not for the same number of channels, or the
      permutation is known and is none.
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
      _check_shapes(name, [self._lower, self._upper],
                    [self._log_s, self._sign, self._permutation])
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

  def _parameter_control_dependencies(self, is_init):
    if not is_init and not self.validate_args:
      return []
    checks = permutation_lib.assert_orders(self.permutation, self.name, self.validate_args)
    if self.validate_args:
      checks += super()._parameter_control_dependencies(is_init)
      checks.append(tf.debugging.assert_equal(
          tf.abs(self.sign), tf.ones([], self.dtype), message='signs must be 1 or -1'))
    return checks

  def _triangles(self):
    lower, upper, sign, log_s = (
        tf.cast(t, _FACTORS_DTYPE) for t in (self.lower, self.upper, self.sign, self.log_s))
    diagonal = sign * tf.exp(log_s)
    return (_with_diagonal(tf.linalg.band_part(lower, -1, 0), tf.ones_like(diagonal)),
            _with_diagonal(tf.linalg.band_part(upper, 0, -1), diagonal))

  def _permutation_matrix(self):
    return tf.one_hot(self.permutation, self.num_channels, dtype=_FACTORS_DTYPE)

  def kernel(self):
    lower, upper = self._triangles()
    return tf.cast(tf.matmul(self._permutation_matrix(), tf.matmul(lower, upper)), self.dtype)

  def inverse_kernel(self):
    lower, upper = self._triangles()
    transposed_permutation = tf.linalg.matrix_transpose(self._permutation_matrix())
    inverse = tf.linalg.triangular_solve(
        upper, tf.linalg.triangular_solve(lower, transposed_permutation), lower=False)
    return tf.cast(inverse, self.dtype)

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
    matrix: float Tensor or Variable `[C, C]`, W, or `[..., C, C]` for a batch of
      convolutions.
    validate_args: bool, whether to assert that W is not singular.

  Inputs are `[..., H, W, C]` of the matrix' dtype.

  Raises:
    ValueError: if the matrix is not square.
  """

  def __init__(self, matrix, validate_args=False, name='plain_invertible_conv_1x1'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      dtype = private_tfp.common_dtype([matrix], dtype_hint=tf.float32)
      # Named as checkpoints name it.
      self._kernel = private_tfp.convert_nonref_to_tensor(
          matrix, dtype=dtype, name='kernel')
      _check_shapes(name, [self._kernel], [])
      super().__init__(dtype=dtype, validate_args=validate_args, parameters=parameters,
                       name=name)

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict(matrix=tfp.util.ParameterProperties(event_ndims=2))

  @property
  def matrix(self):
    return self._kernel

  def _parameter_control_dependencies(self, is_init):
    if not self.validate_args:
      return []
    return [tf.debugging.assert_all_finite(self.log_abs_det(), f'{self.name}: W is singular')]

  @property
  def num_channels(self):
    return self._kernel.shape[-1]

  def kernel(self):
    return tf.convert_to_tensor(self._kernel)

  def inverse_kernel(self):
    return tf.cast(tf.linalg.inv(tf.cast(self._kernel, _FACTORS_DTYPE)), self.dtype)

  def log_abs_det(self):
    kernel = tf.cast(self._kernel, _FACTORS_DTYPE)
    return tf.cast(tf.linalg.slogdet(kernel).log_abs_determinant, self.dtype)


def _with_diagonal(matrix, diagonal):
  """`tf.linalg.set_diag` for matrices `[..., C, C]` and diagonals `[..., C]` that broadcast."""
  if matrix.shape[:-1] != diagonal.shape:
    shape = tf.broadcast_dynamic_shape(tf.shape(matrix)[:-1], tf.shape(diagonal))
    matrix = tf.broadcast_to(matrix, tf.concat([shape, shape[-1:]], 0))
    diagonal = tf.broadcast_to(diagonal, shape)
  return tf.linalg.set_diag(matrix, diagonal)


def _check_shapes(name, matrices, vectors):
  """Raises a ValueError unless all are `[..., C, C]` or `[..., C]` with one known C."""
  shapes = [p.shape for p in (*matrices, *vectors)]
  wrong = ValueError(
      f'{name}: parameters of C channels must have the shapes [..., C, C] and [..., C], '
      f'got {", ".join(map(str, shapes))}.')
  sizes = set()
  for shape, rank in zip(shapes, [2] * len(matrices) + [1] * len(vectors)):
    if shape.rank is None or shape.rank < rank:
      raise wrong
    sizes.update(shape[-rank:])
  if len(sizes) != 1 or None in sizes:
    raise wrong
