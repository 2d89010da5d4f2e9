"""Exports are whole or not there, and say what they hold."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow import latents
from tfp_glow import serving
from tfp_glow import training
from tfp_glow.serving import export_folder
from tfp_glow.training import checkpoint


@pytest.fixture(scope='module', name='run_path')
def fixture_run_path(tmp_path_factory):
  """The workdir of a run of 3 steps on mnist5k."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('TFDS_DATA_DIR', str(tmp_path_factory.mktemp('data')))
    config = tiny.make_config()
    config.dataset.update(resize='none', image_size=0)
    config.model.num_levels, config.model.depth = 1, 1
    path = str(tmp_path_factory.mktemp('run'))
    workdir = training.Workdir(path)
    workdir.write_config(config)
    model = tiny.make_model(config, (28, 28, 1))
    checkpoint.CheckpointStore(workdir.checkpoints, print).save(dict(average=model), dict(step=3))
    yield path


def test_the_layout_is_that_of_tensorflow_serving():
  path = tiny.tiny().path
  assert os.path.basename(path) == str(tiny.STEP)
  assert tf.saved_model.contains_saved_model(path)
  assert os.listdir(os.path.dirname(path)) == [str(tiny.STEP)]
  assert os.stat(path).st_mode & 0o055 == 0o055, 'the server may run as another user'


def test_the_description_tells_what_the_model_is_and_not_where_its_data_lay():
  export = serving.Export(tiny.tiny().path)
  description = export.read_description()
  assert description['image_shape'] == [8, 8, 3]
  assert description['latent_shapes'] == [[4, 4, 6], [2, 2, 24]]
  assert description['step'] == tiny.STEP
  assert description['directions'] == ['smile', 'hat', 'hat->smile']
  assert 'data_dir' not in description['dataset']


def test_directions_and_examples_come_back():
  export = serving.Export(tiny.tiny().path)
  directions = export.read_directions()
  assert list(directions) == ['smile', 'hat', 'hat->smile']
  np.testing.assert_array_equal(directions['hat'], tiny.tiny().directions['hat'])
  examples = export.read_examples()
  np.testing.assert_array_equal(examples.images, tiny.make_images(6, 4))
  assert examples.bits_per_dim.shape == (40,)


def test_tensors_txt_lists_the_tensors_of_the_signatures():
  with open(serving.Export(tiny.tiny().path).tensors_file, encoding='utf-8') as f:
    listed = {tuple(line.split()[:3]): line.split()[3] for line in f}
  with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    definitions = tf.compat.v1.saved_model.load(session, ['serve'], tiny.tiny().path).signature_def
    for (signature, side, name), tensor in listed.items():
      assert getattr(definitions[signature], side)[name].name == tensor
      session.graph.get_tensor_by_name(tensor)
  assert {signature for signature, _, _ in listed} == set(tiny.signatures())


def test_a_step_is_never_overwritten():
  path, parts = tiny.tiny().path, tiny.tiny()
  before = os.stat(os.path.join(path, 'saved_model.pb')).st_mtime_ns
  with pytest.raises(errors.UserError, match='exists already and is left as it is; delete it'):
    serving.export_model(parts.model, os.path.dirname(path), tiny.STEP, parts.config)
  assert os.stat(os.path.join(path, 'saved_model.pb')).st_mtime_ns == before


@pytest.mark.parametrize('error', [OSError(28, 'No space left on device'),
                                   tf.errors.ResourceExhaustedError(None, None, 'disk full')])
def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch, error):
  def save(module, path, signatures):
    with open(os.path.join(path, 'saved_model.pb'), 'w', encoding='utf-8') as f:
      f.write('half of it')
    raise error
  monkeypatch.setattr(tf.saved_model, 'save', save)
  monkeypatch.setattr(serving.Signatures, 'all', lambda self: {})
  with pytest.raises(errors.UserError, match='cannot be written .*nothing is left of it'):
    serving.export_model(tiny.tiny().model, str(tmp_path), 3, tiny.tiny().config)
  assert not os.listdir(tmp_path)


def test_nothing_is_seen_until_it_is_whole(tmp_path, monkeypatch):
  seen = []
  def save(module, path, signatures):
    seen.extend(name for name in os.listdir(tmp_path) if name.isdigit())
    with open(os.path.join(path, 'saved_model.pb'), 'wb'):
      pass
  monkeypatch.setattr(tf.saved_model, 'save', save)
  monkeypatch.setattr(serving.Signatures, 'all', lambda self: {})
  monkeypatch.setattr('tfp_glow.serving.export._tensors', lambda path: seen.extend(
      name for name in os.listdir(tmp_path) if name.isdigit()) or '')
  path = serving.export_model(tiny.tiny().model, str(tmp_path), 3, tiny.tiny().config)
  assert not seen
  assert os.listdir(tmp_path) == ['3'] and path == str(tmp_path / '3')


def test_weights_that_are_not_finite_are_refused(tmp_path):
  model = tiny.make_model(tiny.tiny().config)
  variable = model.trainable_variables[0]
  variable.assign(np.nan * variable)
  with pytest.raises(errors.UserError, match='is not finite'):
    serving.export_model(model, str(tmp_path), 3, tiny.tiny().config)
  assert not os.listdir(tmp_path)


def test_a_run_is_exported_with_its_directions_and_test_images(run_path):
  config = training.Workdir(run_path).read_config()
  path = serving.export_run(config, run_path)
  assert path == os.path.join(run_path, 'export', '3')
  export = serving.find_export(run_path)
  assert export.path == path
  directions = export.read_directions()
  assert len(directions) == 55 and {'0', '9', '0->1', '8->9'} <= set(directions)
  assert export.read_examples().bits_per_dim.shape == (500,)
  with pytest.raises(errors.UserError, match='exists already'):
    serving.export_run(config, run_path)
  assert serving.export_run(config, run_path, exists_ok=True) is None
  with open(export.description_file, encoding='utf-8') as f:
    assert json.load(f)['dataset']['name'] == 'mnist5k'


@pytest.fixture(name='exported_directions')
def fixture_exported_directions(run_path, tmp_path, monkeypatch):
  """A function that exports the run but for the writing, and returns the names of directions."""
  os.rename(serving.find_export(run_path).path, tmp_path / 'old')
  written = []
  monkeypatch.setattr('tfp_glow.serving.export.export_model',
                      lambda *unused, directions, **more: written.append(directions))
  monkeypatch.setattr('tfp_glow.serving.examples.measure_examples', lambda model, source: None)

  def export():
    serving.export_run(training.Workdir(run_path).read_config(), run_path)
    return list(written[-1])

  yield export
  os.rename(tmp_path / 'old', os.path.join(run_path, 'export', '3'))


def test_directions_found_before_go_into_the_export(run_path, exported_directions):
  target = latents.directions_file(run_path, 3)
  latents.save_directions(target, {'mine': np.ones([784], np.float32)})
  assert exported_directions() == ['mine']
  os.remove(target)


def test_many_images_are_not_encoded_unasked(exported_directions, monkeypatch, capsys):
  monkeypatch.setattr('tfp_glow.serving.export._MAX_ENCODED', 100)
  assert not exported_directions()
  assert 'find them first with --mode=directions' in capsys.readouterr().err


def test_the_newest_export_is_the_greatest_step(tmp_path):
  for name in ('9', '10', '.11-abc', 'x'):
    os.makedirs(tmp_path / name)
  assert export_folder.newest_export(str(tmp_path)).path == str(tmp_path / '10')
  assert export_folder.newest_export(str(tmp_path / 'nowhere')) is None
  with pytest.raises(errors.UserError, match='holds no export; make one with python train.py'):
    serving.find_export(str(tmp_path / '9'))
