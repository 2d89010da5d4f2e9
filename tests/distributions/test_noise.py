"""Noise is a function of seed, batch number and place in the global batch."""

import numpy as np
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow.distributions import noise


def _noise(cluster, seed, number):
  images = tf.zeros([4 // cluster.num_replicas, 2, 2, 1], tf.uint8)

  @tf.function
  def run(number):
    return cluster.strategy.run(
        lambda: noise.replica_noise(seed, number, images, cluster.num_replicas))

  parts = cluster.strategy.experimental_local_results(run(tf.constant(number, tf.int64)))
  return np.concatenate([part.numpy() for part in parts])


def test_does_not_depend_on_the_replicas():
  one = _noise(tiny.one_device(), 3, 7)
  np.testing.assert_array_equal(one, _noise(tiny.two_devices(), 3, 7))
  np.testing.assert_array_equal(one, noise.batch_noise(3, 7, [4, 2, 2, 1]))
  assert np.all((0 <= one) & (one < 1)) and np.unique(one).size == one.size


def test_depends_on_seed_and_number():
  first = noise.batch_noise(3, 7, [100])
  for other in (noise.batch_noise(3, 8, [100]), noise.batch_noise(4, 7, [100])):
    assert np.mean(np.abs(first - other)) > .1


def test_an_image_has_its_own_noise_whatever_it_is_batched_with():
  shape = (2, 2, 1)
  alone = np.concatenate([noise.noise_of_images(3, [number], shape) for number in (7, 2, 2**40)])
  np.testing.assert_array_equal(alone, noise.noise_of_images(3, [7, 2, 2**40], shape))
  assert np.all((0 <= alone) & (alone < 1)) and np.unique(alone).size == alone.size
  assert np.mean(np.abs(alone - noise.noise_of_images(4, [7, 2, 2**40], shape))) > .1
