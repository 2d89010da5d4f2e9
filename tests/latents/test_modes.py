"""What train.py does with the latents of a run."""

import os

import numpy as np
from PIL import Image
import pytest

from tests.latents import fakes
from tests.serving import tiny
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow import training
from tfp_glow.latents import modes


@pytest.fixture(scope='module', name='source')
def fixture_source(tmp_path_factory):
  return fakes.faces(str(tmp_path_factory.mktemp('data')), tiny.make_config().dataset)


@pytest.fixture(autouse=True)
def tiny_run(source, monkeypatch):
  """Every workdir holds the tiny model, at step 7."""
  run = training.TrainedModel(tiny.tiny().model, source, 7)
  monkeypatch.setattr('tfp_glow.training.trained.load_trained', lambda config, path: run)


CONFIG = tiny.make_config()
GAP = 2


def size_of(path):
  with Image.open(path) as picture:
    return picture.size


def grid_size(columns, rows):
  return (columns * (8 + GAP) - GAP, rows * (8 + GAP) - GAP)


def test_interpolate(tmp_path, capsys):
  path = modes.interpolate(CONFIG, str(tmp_path), num_rows=2, method='spherical', per_scale=True)
  assert path == str(tmp_path / 'samples' / 'interpolation_spherical_per_scale_step_7_seed_0.png')
  assert size_of(path) == grid_size(10, 2)
  assert 'Warning' not in ''.join(capsys.readouterr())
  with pytest.raises(errors.UserError, match='=cubic must be one of linear, spherical'):
    modes.interpolate(CONFIG, str(tmp_path), method='cubic')


def test_mix(tmp_path):
  path = modes.mix(CONFIG, str(tmp_path), num_rows=2, seed=3)
  assert size_of(path) == grid_size(3, 2)
  assert modes.mix(CONFIG, str(tmp_path), num_rows=2, seed=3) == path.replace('.png', '_2.png')


def test_more_images_than_there_are(tmp_path):
  with pytest.raises(errors.UserError, match='6 test images are needed, .* has 4; ask for fewer'):
    modes.mix(CONFIG, str(tmp_path), num_rows=3)
  with pytest.raises(errors.UserError, match='--num_samples=0 must be at least 1'):
    modes.mix(CONFIG, str(tmp_path), num_rows=0)


def test_show_scales(tmp_path):
  path = modes.show_scales(CONFIG, str(tmp_path), num_samples=2, temperature=0.5)
  assert os.path.basename(path) == 'scales_step_7_temperature_0.5_seed_0.png'
  assert size_of(path) == grid_size(10, 4)
  with pytest.raises(errors.UserError, match='--temperature=-1'):
    modes.show_scales(CONFIG, str(tmp_path), temperature=-1)


def test_find_directions(tmp_path):
  npz, png, names = modes.find_directions(CONFIG, str(tmp_path))
  assert names == ['hat', 'smiling', 'hat->smiling']
  assert npz == latents.directions_file(str(tmp_path), 7)
  assert list(latents.load_directions(npz)) == names
  assert size_of(png) == grid_size(11, 3)
  _, _, names = modes.find_directions(CONFIG, str(tmp_path), wanted=['hat'])
  assert names == ['hat']
  assert list(latents.load_directions(npz)) == ['hat']
  with pytest.raises(errors.UserError, match="direction 'nose' is not known"):
    modes.find_directions(CONFIG, str(tmp_path), wanted=['nose'])


def test_directions_need_labels(tmp_path, source, monkeypatch):
  monkeypatch.setattr('tfp_glow.latents.labels.attribute_names', lambda source: [])
  with pytest.raises(errors.UserError, match='has no labels'):
    modes.find_directions(CONFIG, str(tmp_path))


def test_the_test_images_are_different_ones(source):
  images = modes._test_images(source, 4, seed=0)
  assert len(np.unique(images.reshape(4, -1), axis=0)) == 4
