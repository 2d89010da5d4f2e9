"""Runs are exported with what their data set allows."""

import datetime
import json
import os

import numpy as np
import pytest

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow import runs
from tfp_glow import serving
from tfp_glow.commands import export


@pytest.fixture(scope='module', name='run_path')
def fixture_run_path(tmp_path_factory):
  """The workdir of a run of 3 steps on mnist5k."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('TFDS_DATA_DIR', str(tmp_path_factory.mktemp('data')))
    config = tiny.make_config()
    config.dataset.update(resize='none', image_size=0)
    config.model.num_levels, config.model.depth = 1, 1
    path = str(tmp_path_factory.mktemp('run'))
    workdir = runs.Workdir(path)
    workdir.write_config(config)
    model = tiny.make_model(config, (28, 28, 1))
    runs.CheckpointStore(workdir.checkpoints, print).save(dict(average=model), dict(step=3))
    yield path


def test_a_run_is_exported_with_its_directions_and_test_images(run_path):
  config = runs.Workdir(run_path).read_config()
  path = export.run(config, run_path)['path']
  assert path == os.path.join(run_path, 'export', '3')
  exported = serving.find_export(run_path)
  assert exported.path == path
  directions = exported.read_directions()
  assert len(directions) == 55 and {'0', '9', '0->1', '8->9'} <= set(directions)
  assert exported.read_examples().bits_per_dim.shape == (500,)
  with pytest.raises(errors.UserError, match='exists already'):
    export.run(config, run_path)
  assert export.export_run(config, run_path, exists_ok=True) is None
  with open(exported.description_file, encoding='utf-8') as f:
    description = json.load(f)
  assert description['dataset']['name'] == 'mnist5k'
  assert description['trained'] == datetime.date.today().isoformat()


def test_another_process_may_be_faster(run_path, tmp_path, monkeypatch):
  config, done = runs.Workdir(run_path).read_config(), serving.find_export(run_path).path
  os.rename(done, tmp_path / 'done')
  export_model = serving.export_model

  def late(*args, **kwargs):
    os.rename(tmp_path / 'done', done)
    return export_model(*args, **kwargs)

  monkeypatch.setattr('tfp_glow.serving.export_model', late)
  assert export.export_run(config, run_path, exists_ok=True) is None
  os.rename(done, tmp_path / 'done')
  with pytest.raises(errors.UserError, match='exists already'):
    export.export_run(config, run_path)


@pytest.fixture(name='exported_directions')
def fixture_exported_directions(run_path, tmp_path, monkeypatch):
  """A function that exports the run but for the writing, and returns the names of directions."""
  os.rename(serving.find_export(run_path).path, tmp_path / 'old')
  written = []
  monkeypatch.setattr('tfp_glow.serving.export_model',
                      lambda *unused, directions, **more: written.append(directions))
  monkeypatch.setattr('tfp_glow.serving.measure_examples', lambda model, source: None)

  def names_exported():
    export.export_run(runs.Workdir(run_path).read_config(), run_path)
    return list(written[-1])

  yield names_exported
  os.rename(tmp_path / 'old', os.path.join(run_path, 'export', '3'))


def test_directions_found_before_go_into_the_export(run_path, exported_directions):
  target = latents.directions_file(run_path, 3)
  latents.save_directions(target, {'mine': np.ones([784], np.float32)})
  assert exported_directions() == ['mine']
  os.remove(target)


def test_many_images_are_not_encoded_unasked(exported_directions, monkeypatch, capsys):
  monkeypatch.setattr('tfp_glow.commands.export._MAX_ENCODED', 100)
  assert not exported_directions()
  assert 'find them first with --mode=directions' in capsys.readouterr().err
