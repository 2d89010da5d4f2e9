"""average <- d average + (1 - d) weight,   d = min(decay, (1 + t) / (10 + t))"""

import numpy as np
import tensorflow as tf

from tfp_glow.training import average


def test_follows_the_formula():
  weight, mean = tf.Variable([3., -1.]), tf.Variable([1., 1.])
  expected = mean.numpy()
  for t in range(1, 40):
    weight.assign_add([.5, -.25])
    average.update_average(tf.distribute.get_strategy(), .7, tf.constant(t), [weight], [mean])
    d = min(.7, (1 + t) / (10 + t))
    expected = d * expected + (1 - d) * weight.numpy()
    np.testing.assert_allclose(mean.numpy(), expected, rtol=1e-5)


def test_without_decay_it_is_the_weight():
  weight, mean = tf.Variable([3., -1.]), tf.Variable([1., 1.])
  average.update_average(tf.distribute.get_strategy(), 0., tf.constant(5), [weight], [mean])
  np.testing.assert_array_equal(mean.numpy(), weight.numpy())
