"""InvertibleConv1x1:

    W = P L (U + diag(sign * exp(log_s)))
    inverse   y = W x
    log|det dy/dx| = H * W * sum(log_s)
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors


class TestInvertibleConv1x1(checks.BijectorChecks):

  image_shape = (2, 3, 4)
  bad_images = [((3, 2, 3, 5), '4 channels'), ((4, 4), 'height, width, channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.InvertibleConv1x1.trainable(4, seed=1, dtype=dtype), 0.1)


class TestPlain(checks.BijectorChecks):

  image_shape = (2, 3, 4)
  xla = False  # slogdet has no XLA kernel on CPU.
  bad_images = [((3, 2, 3, 5), '4 channels')]

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.InvertibleConv1x1.trainable(
        4, parameterization='plain', seed=1, dtype=dtype), 0.1)


@pytest.mark.parametrize('parameterization', ['lu', 'plain'])
@pytest.mark.parametrize('num_channels', [1, 2, 12, 48])
def test_starts_as_a_rotation(parameterization, num_channels):
  conv = bijectors.InvertibleConv1x1.trainable(
      num_channels, parameterization, seed=3, dtype=tf.float64)
  kernel = conv.kernel()
  np.testing.assert_allclose(kernel @ tf.transpose(kernel), np.eye(num_channels), atol=1e-12)
  np.testing.assert_allclose(conv.log_abs_det(), 0., atol=1e-12)


def test_both_parameterizations_start_equal_and_seeds_differ():
  lu = bijectors.InvertibleConv1x1.trainable(6, 'lu', seed=3, dtype=tf.float64)
  plain = bijectors.InvertibleConv1x1.trainable(6, 'plain', seed=3, dtype=tf.float64)
  other = bijectors.InvertibleConv1x1.trainable(6, 'lu', seed=4, dtype=tf.float64)
  np.testing.assert_allclose(lu.kernel(), plain.kernel(), atol=1e-12)
  assert np.max(np.abs(lu.kernel() - other.kernel())) > 0.1


def test_multiplies_the_channels_of_each_pixel():
  conv = checks.perturb(bijectors.InvertibleConv1x1.trainable(3, dtype=tf.float64))
  x = checks.normal([2, 2, 2, 3])
  np.testing.assert_allclose(
      conv.inverse(x), np.einsum('ij,nhwj->nhwi', conv.kernel(), x), rtol=1e-12)


@pytest.mark.parametrize('scale', [1., 30.])
def test_lu_is_never_singular(scale):
  conv = checks.perturb(bijectors.InvertibleConv1x1.trainable(5, dtype=tf.float64), scale)
  log_det = np.linalg.slogdet(conv.kernel())[1] if scale < 10 else np.sum(conv.log_s)
  np.testing.assert_allclose(conv.log_abs_det(), log_det, rtol=1e-6)
  assert np.all(np.isfinite(conv.inverse_log_det_jacobian(checks.normal([1, 2, 2, 5]))))
  assert np.all(np.isfinite(conv.inverse(checks.normal([1, 2, 2, 5]))))


def test_fixed_parts_are_saved_but_not_trained():
  conv = bijectors.InvertibleConv1x1.trainable(5)
  fixed = {id(conv.sign), id(conv.permutation)}
  assert fixed <= {id(v) for v in conv.variables}
  assert not fixed & {id(v) for v in conv.trainable_variables}


def test_stacked_kernels_are_those_of_the_slices():
  stacked = bijectors.InvertibleConv1x1.from_rotations(
      tf.stack([bijectors.InvertibleConv1x1.trainable(4, seed=s, dtype=tf.float64).kernel()
                for s in range(3)]), dtype=tf.float64)
  checks.perturb(stacked, 0.1)
  np.testing.assert_allclose(
      tf.matmul(stacked.kernel(), stacked.inverse_kernel()),
      np.broadcast_to(np.eye(4), [3, 4, 4]), atol=1e-9)
  np.testing.assert_allclose(
      stacked.log_abs_det(), np.linalg.slogdet(stacked.kernel())[1], rtol=1e-9)


def test_unknown_parameterization():
  with pytest.raises(ValueError, match='"lu" or "plain", got \'qr\''):
    bijectors.InvertibleConv1x1.trainable(4, 'qr')


def test_a_batch_of_convolutions():
  ones = [checks.perturb(bijectors.InvertibleConv1x1.trainable(3, seed=k, dtype=tf.float64), 0.1)
          for k in range(5)]
  stack = lambda ones, name: tf.stack([tf.convert_to_tensor(getattr(b, name)) for b in ones])
  names = ('lower', 'upper', 'log_s', 'sign', 'permutation')
  checks.check_batch_of_maps(
      lambda k: ones[k],
      bijectors.InvertibleConv1x1(**{name: stack(ones, name) for name in names}), 3)
  plain = tf.stack([b.kernel() for b in ones])
  checks.check_batch_of_maps(
      lambda k: bijectors.PlainInvertibleConv1x1(plain[k]),
      bijectors.PlainInvertibleConv1x1(plain), 3)
  # Of the parameters some for all.
  shared = dict(ones[0].parameters, log_s=stack(ones, 'log_s'), name='shared')
  checks.check_batch_of_maps(
      lambda k: ones[0].copy(log_s=ones[k].log_s), bijectors.InvertibleConv1x1(**shared), 3)


@pytest.mark.parametrize('parameterization', ['lu', 'plain'])
def test_round_trip_in_float32_of_many_channels(parameterization):
  """W and its inverse are made in float64, so that only their use is rounded."""
  conv = bijectors.InvertibleConv1x1.trainable(96, parameterization)
  if parameterization == 'lu':
    checks.perturb(conv, 0.02)
  x = checks.normal([8, 4, 4, 96], tf.float32)
  exact = conv.copy(**{
      name: tf.cast(value, tf.float64) for name, value in conv.parameters.items()
      if isinstance(value, tf.Variable) and value.dtype == tf.float32})
  for got, expected in ((conv.kernel(), exact.kernel()),
                        (conv.inverse_kernel(), exact.inverse_kernel())):
    scale = np.max(np.abs(expected))
    np.testing.assert_allclose(got, expected, rtol=6e-8, atol=1e-15 * scale)
  singular_values = np.linalg.svd(exact.kernel(), compute_uv=False)
  condition = singular_values[0] / singular_values[-1]
  z = conv.inverse(x)
  error = np.abs(conv.forward(tf.identity(z)) - x)
  assert np.mean(error) < 4e-7 * condition and np.max(error) < 4e-6 * condition


def test_parameters_that_do_not_fit():
  good = bijectors.InvertibleConv1x1.trainable(3)
  for changed in (dict(lower=tf.zeros([3, 2])), dict(log_s=tf.zeros([2])), dict(sign=1.),
                  dict(permutation=[0, 1])):
    with pytest.raises(ValueError, match='must have the shapes'):
      good.copy(**changed)
  with pytest.raises(ValueError, match=r'each of 0 ... C-1 once, got \[0, 0, 1\]'):
    good.copy(permutation=[0, 0, 1])
  with pytest.raises(ValueError, match=r'got \(3, 2\)'):
    bijectors.PlainInvertibleConv1x1(tf.zeros([3, 2]))
  with pytest.raises(tf.errors.InvalidArgumentError, match='signs must be 1 or -1'):
    good.copy(sign=[1., 2., 1.], validate_args=True)
  with pytest.raises(tf.errors.InvalidArgumentError, match='W is singular'):
    bijectors.PlainInvertibleConv1x1(tf.zeros([3, 3]), validate_args=True)
