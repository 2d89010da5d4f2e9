"""ChannelPermutation:

    inverse   y[i] = x[permutation[i]]
    forward   x[permutation[i]] = y[i]
    log|det dy/dx| = 0
"""

import numpy as np
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow.bijectors import permutation


class TestChannelPermutation(checks.BijectorChecks):

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
