"""Resizing, cropping and augmentation, checked pixel by pixel."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest
import tensorflow as tf

from tfp_glow.data import images


def _picture(height, width, channels=3, seed=0):
  return np.random.RandomState(seed).randint(0, 256, (height, width, channels)).astype(np.uint8)


def test_none_leaves_the_image():
  image = _picture(5, 7)
  np.testing.assert_array_equal(images.fit(image, 0, 'none', 0), image)


def test_pad_surrounds_with_zeros():
  image = _picture(28, 28, 1)
  padded = images.fit(tf.constant(image), 32, 'pad', 32).numpy()
  np.testing.assert_array_equal(padded[2:30, 2:30], image)
  assert padded.astype(int).sum() == image.astype(int).sum()


def test_center_crop_averages_areas_of_the_central_square():
  image = _picture(8, 12)
  expected = image[:, 2:10].reshape(4, 2, 4, 2, 3).astype(float).mean((1, 3))
  result = images.fit(tf.constant(image), 4, 'center_crop', 4).numpy()
  np.testing.assert_allclose(result, expected, atol=0.51)


def test_center_crop_without_scaling_is_exact():
  image = _picture(10, 8)
  result = images.fit(tf.constant(image), 4, 'center_crop', 8).numpy()
  np.testing.assert_array_equal(result, image[3:7, 2:6])


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(st.integers(4, 40), st.integers(4, 40), st.integers(2, 4), st.integers(0, 30),
                  st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)))
def test_random_crop_has_the_size_asked_for(height, width, size, extra, position):
  image = tf.constant(_picture(height, width))
  result = images.fit(image, size, 'random_crop', size + extra, tf.constant(position))
  assert result.shape == (size, size, 3) and result.dtype == tf.uint8


def test_random_crop_reaches_every_corner_position():
  image = np.arange(36, dtype=np.uint8).reshape(6, 6, 1)
  positions = np.random.RandomState(0).uniform(size=(200, 2)).astype(np.float32)
  corners = {int(images.fit(tf.constant(image), 4, 'random_crop', 6, tf.constant(p))[0, 0, 0])
             for p in positions}
  assert corners == {6 * row + column for row in range(3) for column in range(3)}


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('shift', [0, 1, 3])
def test_augment_shifts_and_flips(shift, flip):
  batch = np.stack([_picture(6, 8, seed=k) for k in range(150)])
  uniform = np.random.RandomState(1).uniform(size=(150, 3)).astype(np.float32)
  result = images.augment(tf.constant(batch), tf.constant(uniform), shift, flip).numpy()
  seen = set()
  for image, u, out in zip(batch, uniform, result):
    down, right = (np.floor(u[:2] * (2 * shift + 1)) - shift).astype(int)
    padded = np.pad(image, ((shift,) * 2, (shift,) * 2, (0, 0)), mode='edge')
    expected = padded[shift - down:shift - down + 6, shift - right:shift - right + 8]
    mirrored = flip and u[2] < 0.5
    np.testing.assert_array_equal(out, expected[:, ::-1] if mirrored else expected)
    seen.add((down, mirrored))
  assert len(seen) == (2 * shift + 1) * (2 if flip else 1)
