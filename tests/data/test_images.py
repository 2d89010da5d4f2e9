"""Resizing, cropping and augmentation, checked pixel by pixel."""

import types

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


@pytest.mark.parametrize('height, width', [(1, 500_000), (500_000, 1), (1, 1), (2, 3)])
def test_a_strip_is_cut_before_it_is_scaled(height, width):
  """As a whole it would have 64 x 32 million pixels."""
  result = images.fit(tf.fill([height, width, 3], np.uint8(7)), 64, 'center_crop', 64)
  np.testing.assert_array_equal(result, np.full([64, 64, 3], 7))


@pytest.mark.parametrize('height, width, side', [(31, 17, 8), (40, 90, 7), (5, 6, 16)])
def test_area_scaling_averages_what_a_pixel_covers(height, width, side):
  """Against the exact average, in float64."""
  image = _picture(height, width)
  shorter = min(height, width)
  top, left = (height - shorter + 1) // 2, (width - shorter + 1) // 2
  square = image[top:top + shorter, left:left + shorter].astype(float)
  edges = np.arange(side + 1) * shorter / side
  covered = np.clip(np.minimum(edges[1:, None], np.arange(1, shorter + 1)) -
                    np.maximum(edges[:-1, None], np.arange(shorter)), 0, None)
  weights = covered / covered.sum(1, keepdims=True)
  expected = np.einsum('ia,jb,abc->ijc', weights, weights, square)
  result = images.fit(tf.constant(image), side, 'center_crop', side).numpy()
  assert np.abs(result - expected).max() < .501


def test_grey_is_exact_in_integers():
  image = _picture(64, 64)
  exact = image.astype(object) @ np.array([299, 587, 114], object)
  expected = np.array([[(value + 500) // 1000 for value in row] for row in exact])
  np.testing.assert_array_equal(images.to_grey(image)[..., 0], expected.astype(int))
  levels = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, -1)
  np.testing.assert_array_equal(images.to_grey(levels), levels[..., :1])


def _config(**changes):
  return types.SimpleNamespace(**{**dict(resize='none', image_size=0, crop_from=0), **changes})


@pytest.mark.parametrize('config', [
    dict(resize='center_crop', image_size=8), dict(resize='random_crop', image_size=7),
    dict(resize='center_crop', image_size=8, crop_from=12), dict(resize='pad', image_size=8)])
@pytest.mark.parametrize('scale', [False, True])
def test_a_picture_becomes_what_training_saw(config, scale):
  image, size = tf.constant(_picture(20, 30)), config['image_size']
  expected = images.fit(image, size, config['resize'], config.get('crop_from', size))
  for channels in (1, 3):
    result = images.to_shape(image, (size, size, channels), _config(**config), scale)
    np.testing.assert_array_equal(
        result, images.to_grey(expected) if channels == 1 else expected)


def test_a_strip_that_training_refuses_is_not_scaled_as_a_whole():
  strip = tf.reshape(tf.range(2**18) % 251, [1, -1, 1])
  config = _config(resize='random_crop', image_size=8)
  found = images.to_shape(tf.cast(tf.repeat(strip, 3, -1), tf.uint8), (8, 8, 3), config)
  np.testing.assert_array_equal(found, np.full([8, 8, 3], strip[0, 2**17, 0]), 'its middle pixel')


def test_where_training_resized_nothing_a_picture_is_scaled_on_request_alone():
  image, shape = tf.constant(_picture(20, 30)), (6, 8, 3)
  np.testing.assert_array_equal(images.to_shape(image, shape, _config()), image)
  square = images.fit(image, 8, 'center_crop', 8)
  np.testing.assert_array_equal(images.to_shape(image, shape, _config(), True), square[1:7])
  exact = tf.constant(_picture(6, 8))
  np.testing.assert_array_equal(images.to_shape(exact, shape, _config(), True), exact)


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
