"""ChannelPermutation:

    inverse   y[i] = x[permutation[i]]
    forward   x[permutation[i]] = y[i]
    log|det dy/dx| = 0
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.bijectors import permutation


class TestChannelPermutation(checks.BijectorChecks):

  trains = False
  image_shape = (2, 3, 4)
  bad_images = [((3, 2, 3, 5), '4 channels')]

  def make(self, dtype=tf.float64):
    return bijectors.ChannelPermutation.fixed(permutation.shuffled_order(4, seed=1), dtype)

  def test_equal_arguments_do_not_share_results(self):
    x = self.images()
    shuffled = bijectors.ChannelPermutation(tf.constant([1, 0, 3, 2]), tf.float64)
    reversed_ = bijectors.ChannelPermutation(permutation.reversed_order(4), tf.float64)
    np.testing.assert_array_equal(shuffled.inverse(x), tf.gather(x, [1, 0, 3, 2], axis=-1))
    np.testing.assert_array_equal(reversed_.inverse(x), x[..., ::-1])


def test_orders():
  np.testing.assert_array_equal(permutation.reversed_order(3), [2, 1, 0])
  order = permutation.shuffled_order(32, seed=0)
  np.testing.assert_array_equal(np.sort(order), np.arange(32))
  np.testing.assert_array_equal(order, permutation.shuffled_order(32, seed=0))
  assert not np.array_equal(order, permutation.shuffled_order(32, seed=1))


@pytest.mark.parametrize('channels', [2, 4, 12])
def test_alternating_orders_let_two_couplings_transform_every_channel(channels):
  orders = permutation.alternating_orders(channels, depth=5, seed=3)
  assert orders.shape == (5, channels) and orders.dtype == np.int32
  for k in (0, 2):
    given = set(orders[k][:channels // 2])
    assert given == set(orders[k][orders[k + 1]][channels // 2:])
  np.testing.assert_array_equal(orders, permutation.alternating_orders(channels, 5, seed=3))
  if channels > 4:
    assert not np.array_equal(orders[0], orders[2])
    assert not np.array_equal(orders, permutation.alternating_orders(channels, 5, seed=4))


def test_a_batch_of_permutations():
  orders = [permutation.shuffled_order(4, seed) for seed in range(5)]
  checks.check_batch_of_maps(
      lambda k: bijectors.ChannelPermutation(orders[k]), bijectors.ChannelPermutation(orders), 4)


def test_takes_the_dtype_that_comes():
  b = bijectors.ChannelPermutation([1, 0])
  for dtype in (tf.float32, tf.float64):
    z, ildj = b.inverse_and_log_det(tf.constant([[[[1., 2.]]]], dtype))
    assert z.dtype == ildj.dtype == dtype
    np.testing.assert_array_equal(z, [[[[2., 1.]]]])


@pytest.mark.parametrize('orders', [[0, 0, 1], [1, 2, 3], [-1, 0, 1], [[0, 1], [1, 1]], 0])
def test_orders_that_are_none(orders):
  for wrap in (tf.constant, tf.Variable):
    with pytest.raises(ValueError, match=r'each of 0 ... C-1 once, got'):
      bijectors.ChannelPermutation(wrap(orders))


def test_validate_args_in_a_graph():
  @tf.function
  def inverse(order):
    return bijectors.ChannelPermutation(order, validate_args=True).inverse(tf.zeros([1, 1, 1, 3]))

  inverse(tf.constant([2, 0, 1]))
  with pytest.raises(tf.errors.InvalidArgumentError, match='each of 0 ... C-1 once'):
    inverse(tf.constant([0, 0, 1]))
