"""Workdirs that hold a model of faces."""

import pytest

from tests.latents import fakes
from tests.serving import tiny
from tfp_glow import runs


@pytest.fixture(scope='session')
def faces(tmp_path_factory):
  """The `ImageSource` of `fakes.Faces`."""
  return fakes.faces(str(tmp_path_factory.mktemp('data')), tiny.make_config().dataset)


@pytest.fixture
def faces_run(faces, monkeypatch):
  """Makes every workdir hold the tiny model, at step 7."""
  run = runs.TrainedModel(tiny.tiny().model, faces, 7)
  monkeypatch.setattr('tfp_glow.runs.trained.load_trained', lambda config, path: run)


@pytest.fixture
def grid_size():
  """A function: the size in pixels of a picture of columns and rows of 8x8 images."""
  return lambda columns, rows: (columns * 10 - 2, rows * 10 - 2)
