"""The example of a flow with a context runs, and halves fit together again."""

import numpy as np
from PIL import Image
import pytest

from tests.examples import cells


@pytest.fixture(name='names', scope='module')
def fixture_names(digits_folder, tmp_path_factory):
  del digits_folder
  picture = tmp_path_factory.mktemp('inpainting') / 'picture.png'
  return cells.run('inpainting.py', STEPS=1, BATCH=16, DEPTH=1, WIDTH=4, PICTURE=str(picture))


def test_halves_are_those_of_the_digits(names):
  images = names['images']
  batch = names['halves']({'image': images, 'label': 3})
  upper = np.round(255. * batch['context'].numpy()[:, ::-1]).astype(np.uint8)
  np.testing.assert_array_equal(np.concatenate([upper, batch['image']], 1), images)
  assert batch['label'] == 3


def test_one_flow_sees_the_context(names):
  assert set(names['given'].image_model.conditions) == {'context'}
  assert not names['alone'].image_model.conditions
  assert names['bits_given'].shape == names['bits_alone'].shape == (500,)
  assert np.all(np.isfinite(names['gain']))


def test_the_picture_shows_completions(names):
  """Every second pixel of it: digits, what is given of them, and other halves below that."""
  shown = np.asarray(Image.open(names['PICTURE']))[::2, ::2]
  tiles = shown.reshape(8, 30, 10, 30).transpose(0, 2, 1, 3)[:, :, 1:-1, 1:-1]
  digits = names['images'][..., 0]
  np.testing.assert_array_equal(tiles[0], digits)
  np.testing.assert_array_equal(tiles[:, :, :14], np.broadcast_to(digits[:, :14], [8, 10, 14, 28]))
  assert np.all(tiles[1, :, 14:] == 96)
  assert len({tile[:, 14:].tobytes() for tile in tiles}) == len(tiles)


def test_text_and_code_are_cells():
  cells.check_text('inpainting.py', 4, 5)
