"""Seeds that an image's pixels alone decide."""

import numpy as np
import tensorflow as tf

from tfp_glow.serving import image_seeds


def _seeds(images):
  return image_seeds.seed_images(tf.constant(images)).numpy()


def test_the_sums_are_exact():
  images = np.random.RandomState(0).randint(0, 256, [5, 6, 4, 3]).astype(np.uint8)
  weights = tf.random.stateless_uniform(
      [72, 2], (0, 0), minval=0, maxval=2**31 - 1, dtype=tf.int64, alg='philox').numpy()
  expected = []
  for image in images.reshape(5, -1):
    expected.append([sum(int(x) * int(w) for x, w in zip(image, weights[:, k])) % (2**31 - 1)
                     for k in range(2)])
  np.testing.assert_array_equal(_seeds(images), expected)


def test_place_and_company_do_not_matter():
  images = np.random.RandomState(0).randint(0, 256, [40, 8, 8, 1]).astype(np.uint8)
  seeds = _seeds(images)
  np.testing.assert_array_equal(_seeds(images[::-1]), seeds[::-1])
  np.testing.assert_array_equal(_seeds(images[7:8]), seeds[7:8])


def test_one_grey_level_makes_another_seed():
  images = np.zeros([65, 8, 8, 1], np.uint8)
  images[np.arange(1, 65), np.arange(64) // 8, np.arange(64) % 8] = 1
  assert len({tuple(seed) for seed in _seeds(images)}) == 65


def test_the_largest_sum_does_not_overflow():
  seed, = _seeds(np.full([1, 2048, 2048, 3], 255, np.uint8))
  assert all(0 <= number < 2**31 - 1 for number in seed)
