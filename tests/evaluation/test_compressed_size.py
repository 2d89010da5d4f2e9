"""Bits of a general compressor: few for simple images, and only for what the model sees."""

import numpy as np
import pytest

from tfp_glow import evaluation


@pytest.mark.parametrize('channels', [1, 2, 3, 4])
def test_simple_images_are_small(channels):
  noise = np.random.RandomState(0).randint(0, 256, [3, 16, 16, channels], dtype=np.uint8)
  images = np.concatenate([np.zeros_like(noise[:1]), noise])
  bits = evaluation.compressed_bits(images)
  size = 16 * 16 * channels
  assert bits.shape == (4,)
  assert bits[0] < 8 * 90 and (bits[1:] > 7.5 * size).all() and (bits[1:] < 8 * (size + 90)).all()


def test_bits_that_the_model_drops_do_not_count():
  random = np.random.RandomState(0)
  images = random.randint(0, 256, [2, 16, 16, 1], dtype=np.uint8)
  np.testing.assert_array_equal(
      evaluation.compressed_bits(images, 3), evaluation.compressed_bits(images & 0xe0, 3))
  assert (evaluation.compressed_bits(images, 3) < .6 * evaluation.compressed_bits(images)).all()


def test_png_helps_where_zlib_does_not():
  """A slope: its rows differ, its differences do not."""
  slope = np.add.outer(7 * np.arange(32), 5 * np.arange(32)).astype(np.uint8)[None, ..., None]
  grey, two = evaluation.compressed_bits(slope), evaluation.compressed_bits(slope.repeat(2, -1))
  assert grey[0] < two[0]
