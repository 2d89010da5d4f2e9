"""How a run begins: with its own weights or another's, on its own data, or not at all."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import stub_flow
from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import runs
from tfp_glow import serving
from tfp_glow import training
from tfp_glow.runs import checkpoint
from tfp_glow.runs import workdir as workdir_lib

pytestmark = pytest.mark.usefixtures('stub_flow')

_SHORT = dict(num_steps=2, eval_every=0, log_every=1)


def _train(path, init_from=None, **changes):
  return training.train(tiny.config(**{**_SHORT, **changes}), str(path), tiny.one_device(),
                        init_from, serving.load)


def _first_weights(path):
  """The weights of a run at step 0, by name."""
  number = tiny.numbers(path)[0]
  with open(f'{path}/checkpoints/ckpt-{number}.json', encoding='utf-8') as f:
    assert json.load(f)['step'] == 0
  reader = tf.train.load_checkpoint(f'{path}/checkpoints/ckpt-{number}')
  return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
          if name.startswith('model/')}


def test_the_weights_of_a_run(stub_run, tmp_path, capfd):
  _train(tmp_path / 'run', stub_run, seed=7, optimizer__name='sgd', batch_size=16)
  first = [v.tobytes() for v in _first_weights(tmp_path / 'run').values()]
  average = [v.numpy().tobytes() for v in runs.load_model(stub_run).variables]
  assert sorted(first) == sorted(average), 'nothing was initialised from data'
  event = tiny.lines(tmp_path / 'run')[0]
  assert event == dict(event, event='init_from', step=0, path=stub_run, missing=[])
  assert event['taken'] == len(average)
  assert f'Beginning with the weights of {stub_run}' in capfd.readouterr().err
  steps = [line['step'] for line in tiny.lines(tmp_path / 'run') if 'train_bpd' in line]
  assert steps == [1, 2], 'steps, schedule and optimizer begin anew'


def test_what_does_not_fit_is_named_and_begins_as_ever(stub_run, tmp_path, capfd):
  """A plain kernel in the place of one in parts: the ActNorm alone is the same."""
  plain = dict(model__permutation='plain')
  _train(tmp_path / 'own', **plain)
  _train(tmp_path / 'run', stub_run, **plain)
  assert '; not there, or of another shape: ' in capfd.readouterr().err
  own, begun = _first_weights(tmp_path / 'own'), _first_weights(tmp_path / 'run')
  theirs = [v.numpy().tobytes() for v in runs.load_model(stub_run).variables]
  kernel, = [name for name in begun if begun[name].shape == (4, 4)]
  assert all(value.tobytes() in theirs for name, value in begun.items() if name != kernel)
  np.testing.assert_array_equal(begun[kernel], own[kernel])


def test_nothing_that_fits(stub_run, tmp_path, monkeypatch):
  colours = lambda config, shape: stub_flow.make_model(config, (8, 8, 3))
  monkeypatch.setattr('tfp_glow.serving.load', lambda path: colours(tiny.config(), None))
  with pytest.raises(errors.UserError, match='holds no weight that fits this model'):
    _train(tmp_path / 'run', stub_run)
  assert not os.listdir(tmp_path)


def test_a_path_without_a_model(tmp_path):
  with pytest.raises(errors.UserError, match='none is no folder; give a workdir or an export'):
    _train(tmp_path / 'run', str(tmp_path / 'none'))
  assert not os.listdir(tmp_path)


def test_a_run_goes_on_without_the_flag_and_without_what_it_began_with(stub_run, tmp_path):
  path, source = tmp_path / 'run', str(tmp_path / 'source')
  shutil.copytree(stub_run, source)
  whole = tmp_path / 'whole'
  _train(whole, source)
  _train(path, source)
  tiny.drop_newest(path)
  shutil.rmtree(source)
  _train(path)
  assert tiny.weights(path) == tiny.weights(whole)


def test_a_run_killed_before_its_first_checkpoint_begins_with_the_same(
    stub_run, tmp_path, monkeypatch):
  class Killed(BaseException):
    pass

  def killed(*unused):
    raise Killed

  with monkeypatch.context() as patch:
    patch.setattr(checkpoint.CheckpointStore, 'save', killed)
    with pytest.raises(Killed):
      _train(tmp_path / 'run', stub_run)
  _train(tmp_path / 'run')
  _train(tmp_path / 'whole', stub_run)
  assert tiny.weights(tmp_path / 'run') == tiny.weights(tmp_path / 'whole')


def test_the_flag_comes_too_late(stub_run, tmp_path):
  _train(tmp_path / 'run', optimizer__schedule='constant')
  with pytest.raises(errors.UserError, match='began with new weights, and --init_from='):
    _train(tmp_path / 'run', stub_run, num_steps=3, optimizer__schedule='constant')


def test_other_data_are_refused_and_nothing_is_changed(tmp_path, monkeypatch):
  _train(tmp_path / 'run', num_steps=2, optimizer__schedule='constant')
  before = sorted(os.walk(tmp_path))
  monkeypatch.setattr('tfp_glow.data.load', lambda config: tiny.LabelledSource())
  with pytest.raises(errors.UserError, match='cannot go on with other data'):
    _train(tmp_path / 'run', num_steps=3, optimizer__schedule='constant')
  assert sorted(os.walk(tmp_path)) == before


def test_data_that_changed_are_told_of_once(tmp_path, monkeypatch, capfd):
  longer = dict(optimizer__schedule='constant')
  _train(tmp_path / 'run', num_steps=1, **longer)
  change = type('Change', (), dict(is_other=False, message='3 new pictures'))
  said = 'The data of the run have changed: 3 new pictures.'
  with monkeypatch.context() as patch:
    patch.setattr('tfp_glow.data.describe_change', lambda old, new: change)
    _train(tmp_path / 'run', num_steps=2, **longer)
  assert said in capfd.readouterr().err
  event, = [line for line in tiny.lines(tmp_path / 'run') if line.get('event') == 'resume']
  assert said in event['changed']
  _train(tmp_path / 'run', num_steps=3, **longer)
  assert said not in capfd.readouterr().err


@pytest.mark.parametrize('changes, message', [
    (dict(batch_size=0), 'batch_size=0'), (dict(optimizer__name='lion'), 'lion'),
    (dict(optimizer__schedule='linear'), 'linear'),
    (dict(model__num_classes=3), 'needs a data set with labels')])
def test_a_refused_run_leaves_no_workdir(tmp_path, changes, message):
  with pytest.raises(errors.UserError, match=message):
    _train(tmp_path / 'new' / 'run', **changes)
  assert not os.listdir(tmp_path)


def test_a_data_set_that_cannot_be_had_leaves_no_workdir(tmp_path, monkeypatch):
  def load(config):
    raise errors.UserError('no such data set')
  monkeypatch.setattr('tfp_glow.data.load', load)
  with pytest.raises(errors.UserError, match='no such data set'):
    _train(tmp_path / 'run')
  assert not os.listdir(tmp_path)


def test_checkpoints_that_are_gone(stub_run, tmp_path):
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  shutil.rmtree(f'{path}/checkpoints')
  with pytest.raises(errors.UserError, match=f'the checkpoints of the run in {path} are gone'):
    training.train(tiny.config(sample_every=6), path, tiny.one_device())
  assert not os.path.exists(f'{path}/checkpoints')


def test_the_newest_checkpoint_that_is_gone(stub_run, tmp_path, capfd):
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  newest = tiny.numbers(path)[-1]
  for name in os.listdir(f'{path}/checkpoints'):
    if name.startswith(f'ckpt-{newest}.'):
      os.remove(f'{path}/checkpoints/{name}')
  training.train(tiny.config(sample_every=6), path, tiny.one_device())
  assert f'ckpt-{newest} in {path}/checkpoints is passed over: it was the newest, and its' in (
      capfd.readouterr().err)
  assert tiny.weights(path) == tiny.weights(stub_run)


def test_a_config_that_belongs_to_other_checkpoints(stub_run, tmp_path):
  """One digit of config.json flipped, and of the command line with it."""
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  config = tiny.config(sample_every=6, model__logit_alpha=.1)
  workdir_lib.Workdir(path).write_config(config)
  message = r'ckpt-\d was made with model.logit_alpha=0.0, and the config says 0.1'
  with pytest.raises(errors.UserError, match=message):
    runs.load_trained(config, path)
  tiny.drop_newest(path)
  with pytest.raises(errors.UserError, match=message):
    training.train(config, path, tiny.one_device())


def test_a_workdir_whose_name_is_a_pattern(tmp_path, stub_run):
  path = str(tmp_path / 'br[1]ack*')
  training.train(tiny.config(sample_every=6), path, tiny.one_device())
  tiny.drop_newest(path)
  training.train(tiny.config(sample_every=6), path, tiny.one_device())
  assert runs.load_model(path).variables and os.path.exists(f'{path}/curves.png')
  shutil.copytree(path, tmp_path / 'plain')
  assert tiny.weights(tmp_path / 'plain') == tiny.weights(stub_run)


def test_home(tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', str(tmp_path))
  _train('~/run')
  assert os.path.exists(tmp_path / 'run' / 'config.json')
