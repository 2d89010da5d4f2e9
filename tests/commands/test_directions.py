"""Directions of a run's attributes."""

from PIL import Image
import pytest

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.commands import directions

pytestmark = pytest.mark.usefixtures('faces_run')

_CONFIG = tiny.make_config()


def test_directions(tmp_path, grid_size):
  found = directions.run(_CONFIG, str(tmp_path))
  assert found['names'] == ['hat', 'smiling', 'hat->smiling']
  npz = found['directions']
  assert npz == latents.directions_file(str(tmp_path), 7)
  assert list(latents.load_directions(npz)) == found['names']
  assert Image.open(found['path']).size == grid_size(11, 3)
  assert directions.run(_CONFIG, str(tmp_path), directions=['hat'])['names'] == ['hat']
  assert list(latents.load_directions(npz)) == ['hat']
  with pytest.raises(errors.UserError, match="direction 'nose' is not known"):
    directions.run(_CONFIG, str(tmp_path), directions=['nose'])
  with pytest.raises(errors.UserError, match='--directions= names none; leave it out for all'):
    directions.run(_CONFIG, str(tmp_path), directions=[])


def test_need_labels(tmp_path, monkeypatch, faces):
  monkeypatch.setattr(faces, 'attribute_names', [])
  with pytest.raises(errors.UserError, match='has no labels'):
    directions.run(_CONFIG, str(tmp_path))
