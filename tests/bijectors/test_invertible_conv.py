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
