"""uniform and normal: the same numbers for a seed, however they are compiled."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow.distributions import classes
from tfp_glow.distributions import dequantization
from tfp_glow.distributions import random


@pytest.mark.parametrize('draw', [random.uniform, random.normal])
def test_same_numbers_eagerly_traced_and_under_xla(draw):
  seed = tf.constant([5, 6])
  numbers = draw([7, 11], seed)
  for jit_compile in (False, True):
    traced = tf.function(lambda seed: draw([7, 11], seed), jit_compile=jit_compile)
    np.testing.assert_allclose(traced(seed), numbers, rtol=1e-5, atol=1e-6)
  assert np.any(draw([7, 11], [5, 7]).numpy() != numbers)


def test_uniform():
  numbers = np.sort(random.uniform([100_000], [1, 2]))
  assert numbers[0] >= 0. and numbers[-1] < 1.
  # Kolmogorov and Smirnov's distance has the 99.9% quantile 1.95 / sqrt(n).
  assert np.max(np.abs(numbers - np.linspace(0., 1., 100_000))) < 1.95 / np.sqrt(100_000)


def test_normal():
  numbers = random.normal([200_000], [1, 2]).numpy()
  assert np.all(np.isfinite(numbers))
  moments = [np.mean(numbers**k) for k in (1, 2, 3, 4)]
  np.testing.assert_allclose(moments, [0., 1., 0., 3.], atol=0.05)


def test_shape_known_only_when_run():
  traced = tf.function(lambda n: random.normal([n, 3], [1, 2]))
  assert traced(tf.constant(5)).shape == (5, 3)


@pytest.mark.parametrize('seed', [7, [1], [1, 2, 3], [1., 2.], None, 'ab', [[1, 2]]])
@pytest.mark.parametrize('draw', [
    lambda seed: random.uniform([2], seed), lambda seed: random.normal([2], seed),
    lambda seed: classes.draw_labels(2, 3, seed),
    lambda seed: dequantization.noise_of_draw([2], seed, 1)])
def test_a_seed_is_two_ints(draw, seed):
  with pytest.raises(ValueError, match=r'seed must be two ints, such as \(0, 7\), got '):
    draw(seed)


@pytest.mark.parametrize('seed', [
    (1, 2), np.int32([1, 2]), np.int64([1, 2]), (np.int64(1), 2), [tf.constant(1), 2]], ids=str)
def test_two_ints_are_given_in_many_ways(seed):
  np.testing.assert_array_equal(random.uniform([3], seed), random.uniform([3], [1, 2]))


def test_any_int_is_a_seed():
  kept = [0, 7, -1, 2**32, 2**63 - 1, -2**63]
  assert [random.fold_seed(seed) for seed in kept] == kept
  beyond = [random.fold_seed(seed) for seed in (2**63, -2**63 - 1, 10**100, -10**100)]
  assert len(set(beyond)) == 4 and all(-2**63 <= seed < 2**63 for seed in beyond)
