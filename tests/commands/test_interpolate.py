"""Paths from test images to others."""

import numpy as np
from PIL import Image
import pytest

from tests import tiny_run
from tests.serving import tiny
from tfp_glow import errors
from tfp_glow.commands import interpolate

_CONFIG = tiny.make_config()


def test_begins_and_ends_with_test_images(blots, finished_run, source):
  del blots
  config = tiny_run.config(sample_every=6)
  picture = np.asarray(Image.open(
      interpolate.run(config, finished_run, num_samples=3, seed=1)['path']))
  assert picture.shape == (3 * 8 + 4, 10 * 8 + 18)
  images = {image.tobytes() for image in source.arrays('test')[0].numpy()}
  for row in range(0, 30, 10):
    assert np.ascontiguousarray(picture[row:row + 8, :8]).tobytes() in images
    assert np.ascontiguousarray(picture[row:row + 8, -8:]).tobytes() in images
    assert np.ascontiguousarray(picture[row:row + 8, 40:48]).tobytes() not in images
  with pytest.raises(errors.UserError, match='198 test images are needed.* has 53'):
    interpolate.run(config, finished_run, num_samples=99)


@pytest.mark.usefixtures('faces_run')
def test_arcs_per_scale(tmp_path, capsys, grid_size):
  path = interpolate.run(
      _CONFIG, str(tmp_path), num_samples=2, interpolation='spherical', per_scale=True)['path']
  assert path == str(tmp_path / 'samples' / 'interpolation_spherical_per_scale_step_7_seed_0.png')
  assert Image.open(path).size == grid_size(10, 2)
  assert 'Warning' not in ''.join(capsys.readouterr())
  with pytest.raises(errors.UserError, match='=cubic must be one of linear, spherical'):
    interpolate.run(_CONFIG, str(tmp_path), interpolation='cubic')
