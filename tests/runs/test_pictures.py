"""Grids, PNG files, seeded samples and exact ends of interpolations."""

import os

import numpy as np
from PIL import Image
import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.runs import pictures
from tfp_glow.runs import trained


@pytest.fixture(scope='module', params=[8, 5])
def model(request):
  return trained.make_model(tiny.config(model__n_bits=request.param), (8, 8, 1))


def test_grid():
  images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones([1, 3, 4, 2], np.uint8)
  grid = pictures.grid(images)
  assert grid.shape == (2 * 3 + 2, 3 * 4 + 4, 2)
  assert grid[0, 0, 0] == 0 and grid[0, 6, 0] == 1 and grid[5, 6, 1] == 4 and grid[7, 15, 0] == 255
  assert pictures.grid(images, columns=5).shape == (3, 5 * 4 + 8, 2)


@pytest.mark.parametrize('channels, mode', [(1, 'L'), (2, 'L'), (3, 'RGB'), (5, 'RGB')])
def test_save_png(tmp_path, channels, mode):
  image = np.random.RandomState(0).randint(0, 256, [6, 5, channels]).astype(np.uint8)
  path = str(tmp_path / 'new' / 'picture.png')
  pictures.save_png(path, image)
  found = Image.open(path)
  assert found.mode == mode
  shown = image[..., :3] if channels >= 3 else image[..., 0]
  np.testing.assert_array_equal(np.asarray(found), shown)
  assert os.listdir(tmp_path / 'new') == ['picture.png']


def test_save_png_where_it_cannot(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(errors.UserError, match='cannot be written'):
    pictures.save_png(str(tmp_path / 'file' / 'p.png'), np.zeros([2, 2, 1], np.uint8))


def test_samples_depend_on_seed_and_temperature(model):
  draw = pictures.Sampler(model, batch_size=4)
  images = draw(6, .7, 1)
  assert images.shape == (6, 8, 8, 1) and images.dtype == np.uint8
  np.testing.assert_array_equal(images, draw(6, .7, 1))
  assert np.any(images[:2] != images[4:]), 'every batch has noise of its own'
  assert np.any(images != draw(6, .7, 2)) and np.any(images != draw(6, .1, 1))
  assert len(np.unique(draw(6, 0., 1), axis=0)) == 1


@pytest.mark.parametrize('seed', [-1, 2**32, 2**64, -10**30])
def test_any_int_is_a_seed(model, seed):
  draw = pictures.Sampler(model, batch_size=4)
  images = draw(4, .7, seed)
  np.testing.assert_array_equal(images, draw(4, .7, seed))
  assert np.any(images != draw(4, .7, seed + 1))
