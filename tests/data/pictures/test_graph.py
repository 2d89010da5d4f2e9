"""Every file shows the same pixels in Pillow, in a graph and in memory."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.data.pictures import hard_files
from tfp_glow.data import pictures
from tfp_glow.data.pictures import graph
from tfp_glow.data.pictures import opacity

_SERVED, _ONLY_PREPARED = hard_files.served(), hard_files.only_prepared()


@pytest.fixture(scope='module', name='decode')
def fixture_decode():
  def finish(image):
    # To one size, with the true one beside it.
    height, width = tf.unstack(tf.shape(image)[:2])
    padded = tf.pad(image, [[0, 64 - height], [0, 64 - width], [0, 0]])
    size = tf.cast(tf.stack([height, width]), tf.uint8)[:, None, None]
    marked = tf.concat([padded, tf.broadcast_to(size, [2, 64, 3])], 0)
    return tf.ensure_shape(marked, [66, 64, 3]), tf.constant('')

  def decode(files):
    return graph.decode_all(files, finish, pictures.MAX_PIXELS)

  function = tf.function(decode, input_signature=[tf.TensorSpec([None], tf.string)])

  def run(files):
    images, problems = (x.numpy() for x in function(tf.constant(files, tf.string)))
    return [image[:image[64, 0, 0], :image[65, 0, 0]] for image in images], [
        problem.decode() for problem in problems]

  return run


def test_a_graph_shows_the_pixels(decode):
  images, problems = decode([file for file, _ in _SERVED.values()])
  for (name, (_, pixels)), image, problem in zip(_SERVED.items(), images, problems):
    assert not problem, f'{name} {problem}'
    np.testing.assert_array_equal(image, pixels, err_msg=name)


@pytest.mark.parametrize('name', [*_SERVED, *_ONLY_PREPARED])
def test_files_show_the_pixels(name):
  file, pixels = {**_SERVED, **_ONLY_PREPARED}[name]
  np.testing.assert_array_equal(pictures.read(file), pixels)


def test_a_graph_refuses_the_others_by_name(decode):
  good, pixels = _SERVED['by hand.png']
  files = [file for file, _ in _ONLY_PREPARED.values()]
  images, problems = decode([good, *files, good])
  np.testing.assert_array_equal(images[0], pixels)
  np.testing.assert_array_equal(images[-1], pixels)
  for name, problem in zip(_ONLY_PREPARED, problems[1:-1]):
    kind = {'webp': 'WebP', 'bmp': '16 bits'}.get(name.split('.')[-1], 'TIFF')
    assert kind in problem and 'save it as PNG' in problem, name


def test_what_is_no_picture_is_told_what_is():
  with pytest.raises(pictures.PictureError) as error:
    pictures.read(b'not a picture')
  assert str(error.value) == 'is no picture file (PNG, JPEG, GIF, BMP, WebP or TIFF)'


def test_broken_files_are_told(decode):
  broken = hard_files.broken()
  _, problems = decode([file for file, _ in broken.values()])
  for (name, (file, words)), problem in zip(broken.items(), problems):
    assert re.search(words, problem), f'{name} {problem}'
    with pytest.raises(pictures.PictureError, match=words) as error:
      pictures.read(file)
    assert '\n' not in str(error.value) and 'save it' not in str(error.value) or 'HEIC' in words


@pytest.mark.parametrize('seed', range(4))
def test_damage_is_told_or_does_no_harm(seed):
  """Never another error, and never what happened to lie in memory."""
  random = np.random.RandomState(seed)
  files = [file for file, _ in [*_SERVED.values(), *_ONLY_PREPARED.values()]]
  told = 0
  for _ in range(50):
    file = bytearray(files[random.randint(len(files))])
    start, end = sorted(random.randint(len(file), size=2))
    if random.randint(2):
      file = file[:start] + file[end:]
    else:
      file[start if random.randint(2) else start % 100] ^= 1 << random.randint(8)
    try:
      first, second = (pictures.read(bytes(file), 10**6) for _ in range(2))
      np.testing.assert_array_equal(first, second)
    except pictures.PictureError as error:
      told += 1
      assert '\n' not in str(error)
  assert 10 < told < 50


@pytest.mark.parametrize('value', range(0, 256, 5))
def test_over_white_is_exact(value):
  colours = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, -1)
  image = np.concatenate([colours, np.full([256, 1, 1], value, np.uint8)], -1)
  expected = np.round((colours * (value / 255.) + (255. - value)) - 1e-9)
  np.testing.assert_array_equal(opacity.over_white(image), expected)
