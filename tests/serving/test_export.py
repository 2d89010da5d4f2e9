"""Exports are whole or not there, and say what they hold."""

import functools
import os
import resource

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow import serving
from tfp_glow.serving import definitions
from tfp_glow.serving import examples as examples_lib
from tfp_glow.serving import export_folder


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


def test_tensors_txt_lists_the_tensors_of_the_signatures(served):
  with open(serving.Export(tiny.tiny().path).tensors_file, encoding='utf-8') as f:
    listed = {tuple(line.split()[:3]): line.split()[3] for line in f}
  stated = definitions.read(tiny.tiny().path)
  for (signature, side, name), tensor in listed.items():
    assert getattr(stated[signature], side)[name].name == tensor
    served.graph.get_tensor_by_name(tensor)
  assert {signature for signature, _, _ in listed} == set(tiny.signatures())


def test_a_step_is_never_overwritten():
  path, parts = tiny.tiny().path, tiny.tiny()
  before = os.stat(os.path.join(path, 'saved_model.pb')).st_mtime_ns
  with pytest.raises(errors.UserError, match='exists already and is left as it is; delete it'):
    serving.export_model(parts.model, os.path.dirname(path), tiny.STEP, parts.config)
  assert os.stat(os.path.join(path, 'saved_model.pb')).st_mtime_ns == before


@pytest.fixture(name='written')
def fixture_written(tmp_path, monkeypatch):
  """A function that exports without TensorFlow's part, for which `save` stands."""
  def export(save):
    monkeypatch.setattr(serving.Signatures, 'all', lambda self: {})
    monkeypatch.setattr(tf.saved_model, 'save', lambda module, path, signatures: save(path))
    monkeypatch.setattr(definitions, 'state_shapes', lambda path, specs: None)
    monkeypatch.setattr(definitions, 'list_tensors', lambda path: '')
    return serving.export_model(tiny.tiny().model, str(tmp_path), 3, tiny.tiny().config)
  return export


@pytest.mark.parametrize('error', [OSError(28, 'No space left on device'),
                                   tf.errors.ResourceExhaustedError(None, None, 'disk full')])
def test_a_failed_export_leaves_nothing(tmp_path, written, error):
  def save(path):
    with open(os.path.join(path, 'saved_model.pb'), 'w', encoding='utf-8') as f:
      f.write('half of it')
    raise error
  with pytest.raises(errors.UserError, match='cannot be written .*nothing is left of it'):
    written(save)
  assert not os.listdir(tmp_path)


def test_a_folder_whose_name_is_a_pattern(tmp_path, monkeypatch):
  monkeypatch.setattr(serving.Signatures, 'specs', lambda self: {})
  parts = tiny.tiny()
  path = serving.export_model(parts.model, str(tmp_path / 'br[1]ack'), 3, parts.config)
  for a, b in zip(serving.load(path).variables, parts.model.variables):
    np.testing.assert_array_equal(a, b)


def test_a_file_size_limit_is_said_as_a_full_disk_is(tmp_path, written):
  save = functools.partial(tf.saved_model.save, tiny.tiny().model)
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
  try:
    with pytest.raises(errors.UserError, match='cannot be written .*File too large.*nothing is left'):
      written(save)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  assert not os.listdir(tmp_path)


def test_nothing_is_seen_until_it_is_whole_and_what_was_abandoned_goes(tmp_path, written):
  abandoned = tmp_path / '.2-abcd_123'
  os.makedirs(abandoned / 'assets.extra')
  seen = []
  def save(path):
    seen.extend(os.listdir(tmp_path))
    with open(os.path.join(path, 'saved_model.pb'), 'wb'):
      pass
  assert written(save) == str(tmp_path / '3')
  assert len(seen) == 1 and seen[0].startswith('.3-')
  assert os.listdir(tmp_path) == ['3']


def test_weights_that_are_not_finite_are_refused(tmp_path):
  model = tiny.make_model(tiny.tiny().config)
  variable = model.trainable_variables[0]
  variable.assign(np.nan * variable)
  with pytest.raises(errors.UserError, match='is not finite'):
    serving.export_model(model, str(tmp_path), 3, tiny.tiny().config)
  assert not os.listdir(tmp_path)


def test_the_newest_export_is_the_greatest_step(tmp_path):
  for name in ('9', '10', '.11-abc', 'x'):
    os.makedirs(tmp_path / name)
  assert export_folder.newest_export(str(tmp_path)).path == str(tmp_path / '10')
  os.makedirs(tmp_path / '0011')
  assert export_folder.newest_export(str(tmp_path)).path == str(tmp_path / '0011')
  assert export_folder.newest_export(str(tmp_path / 'nowhere')) is None
  with pytest.raises(errors.UserError, match='holds no export; make one with python train.py'):
    serving.find_export(str(tmp_path / '9'))


def test_home(tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', os.path.dirname(tiny.tiny().path))
  assert serving.find_export('~').path == tiny.tiny().path
  assert serving.load(f'~/{tiny.STEP}').image_shape == tiny.SHAPE
  monkeypatch.setenv('HOME', str(tmp_path))
  with pytest.raises(errors.UserError, match='is no folder'):
    serving.load('~/7')


def test_examples_of_a_test_split_of_one_image(tmp_path):
  """As a folder of few pictures has."""
  path = str(tmp_path / 'examples.npz')
  examples_lib.Examples(np.zeros([1, 8, 8, 1], np.uint8), np.ones([1], np.float32)).save(path)
  assert examples_lib.Examples.read(path, (8, 8, 1)).images.shape == (1, 8, 8, 1)
