"""whitening: bias and log-scale with which (x + bias) * exp(log_scale) is white."""

import numpy as np
import tensorflow as tf

from tfp_glow.layers import data_dependent_init


def test_whitens():
  x = np.random.default_rng(0).standard_normal((4, 3, 3, 2)) * [3., 0.5] + [100., -7.]
  bias, log_scale = data_dependent_init.whitening(tf.constant(x))
  np.testing.assert_allclose(bias, -x.mean((0, 1, 2)), rtol=1e-12)
  np.testing.assert_allclose(log_scale, -np.log(x.std((0, 1, 2))), rtol=1e-9)


def test_two_passes_keep_float32_precise():
  """Far from zero, mean of squares less square of mean would lose every digit."""
  x = 1e4 + np.random.default_rng(0).standard_normal((64, 8, 8, 1))
  _, log_scale = data_dependent_init.whitening(tf.constant(x, tf.float32))
  np.testing.assert_allclose(log_scale, [-np.log(x.std())], atol=1e-3)
