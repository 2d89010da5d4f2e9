"""Real processes: killed anywhere, asked to stop, several at once, and the same bytes after."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import training
from tfp_glow.training import train_step

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_LONG = dict(num_steps=80, checkpoint_every=5, log_every=10, eval_every=0)
_SGD = dict(num_steps=6, checkpoint_every=0, eval_every=0, optimizer__name='sgd',
            optimizer__learning_rate=.05, optimizer__warmup_steps=0)


def _start(path, environment=None, **options):
  return subprocess.Popen(
      [sys.executable, '-m', 'tests.training.program', json.dumps({'path': path, **options})],
      cwd=_ROOT, env={**os.environ, **(environment or {})}, stderr=subprocess.PIPE, text=True)


def _wait_for(path, process):
  deadline = time.time() + 90
  while not os.path.exists(path):
    assert process.poll() is None, process.stderr.read()
    assert time.time() < deadline
    time.sleep(.002)


@pytest.mark.usefixtures('stub_flow')
def test_a_run_that_is_killed_again_and_again_gives_the_bytes_of_one_that_is_not(
    tmp_path, capfd, monkeypatch):
  """At the moments that matter; tests/chaos kills at any."""
  path, undisturbed = str(tmp_path / 'run'), str(tmp_path / 'undisturbed')

  # Before its very first checkpoint is complete: the next process begins anew.
  process = _start(path, stub=True, changes=_LONG, die_in_save=1, die_at='recording')
  assert process.wait() == -signal.SIGKILL, process.stderr.read()
  assert not tiny.numbers(path)

  # In the middle of writing a checkpoint.
  process = _start(path, stub=True, changes=_LONG, die_in_save=5, die_at='writing')
  assert process.wait() == -signal.SIGKILL, process.stderr.read()
  assert tiny.numbers(path)[-1] in (4, 5)

  # By SIGTERM, which lets it save where it stands.
  with monkeypatch.context() as patch:
    make = train_step.make_train_step

    def make_terminated(cluster, state, config):
      step = make(cluster, state, config)

      def terminated(*args):
        if int(state.progress.step) == 43:
          signal.raise_signal(signal.SIGTERM)
        return step(*args)

      return terminated

    patch.setattr(train_step, 'make_train_step', make_terminated)
    with pytest.raises(errors.UserError, match='stopped by SIGTERM at step') as stopped:
      training.train(tiny.config(**_LONG), path, tiny.one_device())
  assert stopped.value.exit_code == 75
  step = int(str(stopped.value).rsplit('at step ', 1)[1].split()[0])
  assert 43 < step < 50, 'it does not wait for the next checkpoint that is due'
  saved = tf.train.load_checkpoint(f'{path}/checkpoints')
  assert saved.get_tensor('progress/step/.ATTRIBUTES/VARIABLE_VALUE') == step

  for workdir in (path, undisturbed):
    result = training.train(tiny.config(**_LONG), workdir, tiny.one_device())
    assert result['step'] == _LONG['num_steps']
  assert tiny.weights(path) == tiny.weights(undisturbed)
  assert f'step {step} of {_LONG["num_steps"]}' in capfd.readouterr().err
  assert [line['step'] for line in tiny.lines(path) if line.get('event') == 'resume'][-1] == step


def _tf_configs():
  ports = []
  for _ in range(2):
    with socket.socket() as s:
      s.bind(('localhost', 0))
      ports.append(s.getsockname()[1])
  cluster = {'worker': [f'localhost:{port}' for port in ports]}
  return [{'TF_CONFIG': json.dumps(
      {'cluster': cluster, 'task': {'type': 'worker', 'index': index}})} for index in range(2)]


def _largest_difference(first, second):
  assert first.keys() == second.keys()
  return max(np.max(np.abs(np.frombuffer(first[name], np.float32)
                           - np.frombuffer(second[name], np.float32)))
             for name in first if name.split('/')[0] in ('model', 'average'))


def test_one_device_two_devices_and_two_workers_agree(tmp_path):
  """Six SGD steps with data-dependent initialisation, to 1e-5."""
  paths = {name: str(tmp_path / name) for name in ('one', 'two', 'workers')}
  processes = [_start(paths['workers'], tf_config, strategy='multi_worker', changes=_SGD,
                      dump=str(tmp_path / f'worker_{index}.npz'))
               for index, tf_config in enumerate(_tf_configs())]
  training.train(tiny.config(**_SGD), paths['one'], tiny.one_device())
  training.train(tiny.config(**_SGD), paths['two'], tiny.two_devices())
  for process in processes:
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
  one = tiny.weights(paths['one'])
  assert _largest_difference(one, tiny.weights(paths['two'])) < 1e-5
  assert _largest_difference(one, tiny.weights(paths['workers'])) < 1e-5
  dumps = [dict(np.load(tmp_path / f'worker_{index}.npz')) for index in range(2)]
  assert len(dumps[0]) > 10
  assert all(dumps[0][name].tobytes() == dumps[1][name].tobytes() for name in dumps[0])
  logged = [[line for line in tiny.lines(path) if 'train_bpd' in line or 'eval_bpd' in line]
            for path in paths.values()]
  for lines in zip(*logged):
    for name in ('step', 'train_bpd', 'eval_bpd', 'grad_norm', 'num_images'):
      values = [line.get(name) for line in lines]
      assert values == [values[0]] * 3 or values == pytest.approx([values[0]] * 3, rel=1e-5)


@pytest.mark.usefixtures('stub_flow')
def test_a_dead_worker_ends_the_job_and_the_restarted_job_resumes(tmp_path):
  path = str(tmp_path / 'run')
  changes = {**_LONG, 'num_steps': 10_000_000, 'optimizer__schedule': 'constant'}
  processes = [_start(path, tf_config, stub=True, strategy='multi_worker', changes=changes)
               for tf_config in _tf_configs()]
  _wait_for(f'{path}/checkpoints/ckpt-3.json', processes[0])
  processes[1].kill()
  _, error = processes[0].communicate(timeout=60)
  processes[1].communicate()
  assert processes[0].returncode == 4, error
  last = error.strip().splitlines()[-1]
  assert 'another worker is gone' in last and 'Traceback' not in error
  config = tiny.config(**{**changes, 'num_steps': 150})
  assert training.train(config, path, tiny.one_device())['step'] == 150
  resumed, = [line for line in tiny.lines(path) if line.get('event') == 'resume']
  assert resumed['step'] >= 10
