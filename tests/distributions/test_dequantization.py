"""Dequantisation and bits per dimension:

    x = (floor(images / 2**(8 - n_bits)) + noise) / 2**n_bits
    bits per dimension = -(log p(x) - D log 2**n_bits) / (D log 2)
"""

import hypothesis
import hypothesis.extra.numpy as hypothesis_numpy
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow import distributions

tfd = tfp.distributions


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(
    hypothesis_numpy.arrays(np.uint8, (2, 2, 2, 1)), st.integers(1, 8),
    st.floats(0., 0.875, width=32))
def test_quantize_undoes_dequantize(images, n_bits, noise):
  x = distributions.dequantize(images, tf.fill(images.shape, noise), n_bits)
  assert np.all((x >= 0.) & (x <= 1.))
  levels = images >> (8 - n_bits)
  np.testing.assert_array_equal(np.floor(x * 2**n_bits), levels)
  again = distributions.quantize(x, n_bits)
  assert again.dtype == tf.uint8
  np.testing.assert_array_equal(again.numpy() >> (8 - n_bits), levels)
  if n_bits == 8:
    np.testing.assert_array_equal(again, images)


def test_all_levels_are_used():
  for n_bits in range(1, 9):
    images = distributions.quantize(tf.linspace(-0.5, 1.5, 4000), n_bits)
    assert len(np.unique(images)) == 2**n_bits
    assert np.min(images) == 0 and np.max(images) == 255


@pytest.mark.parametrize('n_bits', [5, 8])
def test_uniform_density_costs_n_bits(n_bits):
  """The identity flow on uniform noise: p(x) = 1 on the unit cube."""
  uniform = tfd.Sample(tfd.Uniform(0., 1.), [2, 2, 3])
  images = tf.cast(tf.reshape(tf.range(24) * 10, [2, 2, 2, 3]), tf.uint8)
  noise = distributions.uniform_noise(images.shape, [0, 1])
  x = distributions.dequantize(images, noise, n_bits)
  np.testing.assert_allclose(
      distributions.bits_per_dim(uniform.log_prob(x), 12, n_bits), n_bits, rtol=1e-6)


def test_known_density():
  """A density of 2 per dimension saves one bit of each."""
  np.testing.assert_allclose(
      distributions.bits_per_dim(tf.constant(10 * np.log(2.)), 10, 8), 7., rtol=1e-6)
