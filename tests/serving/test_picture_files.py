"""Picture files of every kind as images of the model's size."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow.serving import picture_files


def dataset_config(resize='none', image_size=0, crop_from=0):
  return types.SimpleNamespace(resize=resize, image_size=image_size, crop_from=crop_from)


def decode(files, shape, config=dataset_config()):
  decoder = tf.function(
      lambda files: picture_files.decode_files(files, shape, config),
      input_signature=[tf.TensorSpec([None], tf.string)])
  return decoder(tf.constant(files)).numpy()


@pytest.mark.parametrize('channels', [1, 3])
def test_png_gives_every_value_back(channels):
  images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(channels, -1)
  images[..., -1:] = images[:, ::-1, :, -1:] if channels == 3 else images[..., -1:]
  files = [tf.io.encode_png(image).numpy() for image in images]
  np.testing.assert_array_equal(decode(files, (16, 16, channels)), images)


def test_jpeg_comes_near():
  image = np.full([8, 8, 3], (200, 100, 50), np.uint8)
  file = tf.io.encode_jpeg(image, quality=95).numpy()
  assert np.abs(np.int32(decode([file], (8, 8, 3))[0]) - image).max() <= 4


def test_colour_becomes_grey():
  image = np.full([8, 8, 3], (255, 0, 0), np.uint8)
  grey = decode([tf.io.encode_png(image).numpy()], (8, 8, 1))
  np.testing.assert_array_equal(grey, np.full([1, 8, 8, 1], 76))


@pytest.mark.parametrize('resize', ['center_crop', 'random_crop'])
def test_files_of_any_size_are_cut_around_the_centre(resize):
  image = np.zeros([16, 32, 3], np.uint8)
  image[:, 8:24] = 255
  small = tiny.make_images(1, shape=(8, 8, 3))[0]
  files = [tf.io.encode_png(x).numpy() for x in (image, small)]
  images = decode(files, (8, 8, 3), dataset_config(resize, 8))
  np.testing.assert_array_equal(images[0], np.full([8, 8, 3], 255))
  np.testing.assert_array_equal(images[1], small)


def test_without_resizing_the_size_must_fit():
  file = tf.io.encode_png(np.zeros([5, 6, 1], np.uint8)).numpy()
  with pytest.raises(tf.errors.InvalidArgumentError, match=r'takes pictures of 8 x 8 .*\[5 6\]'):
    decode([file], (8, 8, 1))


def test_only_grey_and_colour_images_can_be_files():
  assert [picture_files.can_decode((8, 8, channels)) for channels in (1, 2, 3, 4)] == [
      True, False, True, False]
