"""Training that goes wrong comes back, says why, or gives up in good order."""

import glob
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import stub_flow
from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import training
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import checkpoint
from tfp_glow.runs import trained
from tfp_glow.training import recovery
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step

pytestmark = pytest.mark.usefixtures('stub_flow')

_SANE = 8.  # Bits/dim, what a model that knows nothing has.


def _events(path):
  return [line for line in tiny.lines(path) if line.get('event') == 'recovery']


def _nan_images(monkeypatch, is_bad):
  """Makes dequantised images NaN in the batches for which `is_bad(seed, number)`."""
  batch_noise = noise_lib.batch_noise

  def faulty(seed, number, shape):
    noise = batch_noise(seed, number, shape)
    return tf.where(is_bad(tf.cast(seed, tf.int64), tf.cast(number, tf.int64)), np.nan, noise)

  monkeypatch.setattr(noise_lib, 'batch_noise', faulty)


def test_one_batch_of_nan_images_is_skipped(tmp_path, monkeypatch):
  _nan_images(monkeypatch, lambda seed, number: (seed >= 0) & (number == 5))
  result = training.train(tiny.config(), str(tmp_path), tiny.one_device())
  assert result['eval_bpd'] < _SANE and not _events(tmp_path)
  assert [line['bad_steps'] for line in tiny.lines(tmp_path) if 'bad_steps' in line] == [0, 1, 0, 0]


def test_a_run_of_nan_images_is_recovered_from(tmp_path, monkeypatch, capfd):
  _nan_images(monkeypatch, lambda seed, number: (seed == 0) & (number >= 5))
  result = training.train(tiny.config(), str(tmp_path), tiny.one_device())
  assert result['step'] == tiny.NUM_STEPS and result['eval_bpd'] < _SANE
  event, = _events(tmp_path)
  assert event['step'] == 8 and event['to_step'] == 4 and event['checkpoint'] == 'ckpt-2'
  assert event['learning_rate_scale'] == .5
  assert 'steps in a row had a non-finite loss or gradient' in event['reason']
  assert 'Recovery 1: back to step 4' in capfd.readouterr().err
  steps = [line['step'] for line in tiny.lines(tmp_path) if 'train_bpd' in line]
  assert steps == [3, 6, 6, 9, 12]


def test_giving_up_saves_the_batch(tmp_path, monkeypatch):
  path = str(tmp_path / 'run')
  changes = dict(num_steps=20, recovery__learning_rate_factor=1.)  # Enough to come below _SANE.
  with monkeypatch.context() as patch, pytest.raises(errors.TrainingFailed) as failure:
    _nan_images(patch, lambda seed, number: (seed >= 0) & (number >= 5))
    training.train(tiny.config(recovery__max_recoveries=2, **changes), path, tiny.one_device())
  message = str(failure.value)
  assert failure.value.exit_code == 3 and '\n' not in message
  assert 'gave up at step' in message and 'after 2 recoveries' in message
  saved, = glob.glob(f'{path}/bad_batch_step_*.npz')
  assert saved in message
  batch = np.load(saved)
  assert batch['image'].shape == (8, 8, 8, 1) and batch['step'] >= 5
  assert np.all(np.isnan(batch['noise'])) and 'non-finite' in str(batch['reason'])
  assert batch['data_seed'] != 0 and len(_events(path)) == 2
  assert tiny.lines(path)[-1]['event'] == 'gave_up'
  # The last good checkpoint is intact: with a longer leash the run goes on from it.
  result = training.train(
      tiny.config(recovery__max_recoveries=9, **changes), path, tiny.one_device())
  assert result['eval_bpd'] < _SANE


def test_a_learning_rate_1000_times_too_high(tmp_path):
  config = tiny.config(
      num_steps=400, log_every=2, checkpoint_every=10, eval_every=0, optimizer__schedule='constant',
      optimizer__learning_rate=5., recovery__max_recoveries=10, recovery__max_bpd_rise=.5)
  result = training.train(config, str(tmp_path), tiny.one_device())
  assert result['step'] == 400 and result['eval_bpd'] < _SANE
  first, second, *later = _events(tmp_path)  # How many a rate so high takes is chaotic.
  assert 'condition number' in first['reason'] and first['learning_rate_scale'] == .5
  assert second['reason'].startswith('training bits/dim, ')
  assert second['learning_rate_scale'] == .25 and second['to_step'] < second['step'] - 80
  assert all(event['reason'].startswith('training bits/dim, ') for event in later)


def _shrink_a_kernel_once(monkeypatch, step):
  """After `step`, one direction of a 1x1 kernel is all but lost."""
  make_train_step = train_step.make_train_step

  def make(cluster, state, config):
    step_function = make_train_step(cluster, state, config)
    done = []

    def faulty(images, stop, conditions):
      result = step_function(images, stop, conditions)
      if int(state.progress.step) == step and not done:
        done.append(True)
        kernel, = [v for v in state.model.trainable_variables
                   if v.shape.as_list() == [4, 4]]
        kernel.assign(kernel * tf.constant([1., 1., 1., 1e-12])[:, None])
      return result
    return faulty

  monkeypatch.setattr(train_step, 'make_train_step', make)


def test_a_plain_kernel_driven_to_singularity(tmp_path, monkeypatch):
  _shrink_a_kernel_once(monkeypatch, step=6)
  config = tiny.config(num_steps=20, model__permutation='plain')
  result = training.train(config, str(tmp_path), tiny.one_device())
  event, = _events(tmp_path)
  assert event['reason'].startswith('condition number of a 1x1 kernel is ')
  assert event['step'] == 6 and event['to_step'] == 4 and result['eval_bpd'] < _SANE


@pytest.mark.parametrize('poison, message', [
    (lambda state: state.model.trainable_variables[0], 'is not finite'),
    (lambda state: state.average.trainable_variables[0], 'is not finite'),
    (lambda state: state.optimizer.variables[-1], 'is not finite')],
                         ids=['weight', 'average', 'slot'])
def test_a_poisoned_checkpoint_is_passed_over(stub_run, tmp_path, capfd, poison, message):
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  newest = max(int(name[5:-5]) for name in os.listdir(f'{path}/checkpoints')
               if name.endswith('.json'))
  config = tiny.config(sample_every=6)
  store = checkpoint.CheckpointStore(f'{path}/checkpoints', lambda text: None)
  state = state_lib.TrainState(
      tiny.one_device(), lambda: stub_flow.make_model(config, (8, 8, 1)), config.optimizer, 0)
  store.restore(state.items(), newest - 1)
  variable = poison(state)
  variable.assign(variable * np.nan)
  store.save(state.items(), dict(step=8, finished=False))
  os.remove(f'{path}/checkpoints/ckpt-{newest}.json')
  training.train(config, path, tiny.one_device())
  error = capfd.readouterr().err
  assert f'ckpt-{newest + 1} in {path}/checkpoints is passed over' in error and message in error
  assert tiny.weights(path) == tiny.weights(stub_run)


def test_all_checkpoints_unusable_is_one_line_and_touches_nothing(stub_run, tmp_path):
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  for file in glob.glob(f'{path}/checkpoints/*.data-*'):
    os.truncate(file, 100)
  before = {file: os.path.getmtime(file) for file in glob.glob(f'{path}/**', recursive=True)}
  with pytest.raises(errors.UserError, match='no checkpoint in .* can be used, and nothing was'):
    training.train(tiny.config(sample_every=6), path, tiny.one_device())
  assert before == {file: os.path.getmtime(file)
                    for file in glob.glob(f'{path}/**', recursive=True)}


def test_non_finite_variable():
  good, bad = tf.Variable([1., 2.]), tf.Variable([[1., np.inf]], name='bad')
  whole = tf.Variable([1, 2])
  assert recovery.non_finite_variable([good, whole]) is None
  assert 'bad' in recovery.non_finite_variable([good, whole, bad])
