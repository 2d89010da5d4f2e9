"""Test images with the scales of others."""

from PIL import Image
import pytest

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow.commands import mix

pytestmark = pytest.mark.usefixtures('faces_run')

_CONFIG = tiny.make_config()


def test_a_row_for_each_pair(tmp_path, grid_size):
  path = mix.run(_CONFIG, str(tmp_path), num_samples=2, seed=3)['path']
  assert Image.open(path).size == grid_size(3, 2)
  again = mix.run(_CONFIG, str(tmp_path), num_samples=2, seed=3)['path']
  assert again == path.replace('.png', '_2.png')


def test_more_images_than_there_are(tmp_path):
  with pytest.raises(errors.UserError, match='6 test images are needed, .* has 4; ask for fewer'):
    mix.run(_CONFIG, str(tmp_path), num_samples=3)
  with pytest.raises(errors.UserError, match='--num_samples=0 must be at least 1'):
    mix.run(_CONFIG, str(tmp_path), num_samples=0)
