"""Reversible levels that drift keep their activations from then on, and nothing else changes."""

import glob
import os
import shutil

import pytest

from tests import tiny_run as tiny
from tfp_glow import training
from tfp_glow.training import monitors as monitors_lib
from tfp_glow.training import reversible_levels
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step
from tfp_glow.runs import trained

_EVENT = 'level_keeps_activations'


def _config(**changes):
  return tiny.config(model__num_levels=2, model__reversible=True, **changes)


def _model(**changes):
  return trained.make_model(_config(**changes), (8, 8, 1))


def _events(path):
  return [line for line in tiny.lines(path) if line.get('event') == _EVENT]


def test_a_level_above_the_limit_keeps_its_activations():
  flow, progress = _model().flow, state_lib.Progress(0)
  levels = reversible_levels.ReversibleLevels(flow, progress, limit=1e-3)
  assert len(levels) == 2
  assert levels.drifted([1e-4, 1e-3]) == 0
  assert levels.drifted([1e-4, 2e-3]) == 0b10
  assert levels.drifted([float('nan'), float('inf')]) == 0b11
  assert levels.keep(0b10) == [1]
  assert [level.reversible for level in flow.levels] == [True, False]
  assert levels.drifted([2e-3, 2e-3]) == 0b01, 'a level falls back once'
  progress.kept_levels.assign(0b01)
  assert levels.follow() and not levels.follow()
  assert [level.reversible for level in flow.levels] == [False, True]


def test_no_limit_and_no_reversible_levels():
  progress = state_lib.Progress(0)
  assert reversible_levels.ReversibleLevels(_model().flow, progress, 0.).drifted([9., 9.]) == 0
  flow = _model(model__name='tutorial_multi_scale').flow
  assert len(reversible_levels.ReversibleLevels(flow, progress, 1e-3)) == 0


def test_the_drift_of_each_level_is_read(source):
  model = _model()
  images = source.arrays('test')[0][:4].numpy()
  readings = monitors_lib.Monitors(model, images, watch_levels=True)()
  drifts = monitors_lib.level_drifts(readings)
  assert len(drifts) == 2 and all(0 < drift < 1e-5 for drift in drifts)
  # What undoes the level's kernels is made wrong, so it does not recover its input.
  linear = model.flow.levels[1].linear
  inverse = linear.inverse_kernel
  linear.inverse_kernel = lambda: inverse() * 1.1
  drifts = monitors_lib.level_drifts(
      monitors_lib.Monitors(model, images, watch_levels=True)())
  assert drifts[0] < 1e-5 and drifts[1] > 1e-2
  assert monitors_lib.level_drifts(monitors_lib.Monitors(model, images)()) == []


_DRIFTING = dict(recovery__max_level_drift=1e-12, log_every=6, eval_every=0)


@pytest.fixture(scope='module')
def drifting_run(tmp_path_factory, source):
  """A run whose levels fall back at step 6."""
  path = str(tmp_path_factory.mktemp('runs') / 'drifting')
  steps_made, make_train_step = [], train_step.make_train_step

  def make(cluster, state, config):
    steps_made.append([level.reversible for level in state.model.flow.levels])
    return make_train_step(cluster, state, config)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr('tfp_glow.data.load', lambda config: source)
    patch.setattr(train_step, 'make_train_step', make)
    training.train(_config(**_DRIFTING), path, tiny.one_device())
  assert steps_made == [[True, True], [False, False]], 'the step is traced anew'
  return path


def test_a_run_goes_on_with_the_numbers_of_a_plain_one(drifting_run, tmp_path):
  events = _events(drifting_run)
  assert [(event['step'], event['level']) for event in events] == [(6, 0), (6, 1)]
  lines = [line for line in tiny.lines(drifting_run) if 'train_bpd' in line]
  assert [line['step'] for line in lines] == [6, 12]
  assert events[1]['drift'] == lines[0]['level_1_drift'] > 1e-12
  plain = str(tmp_path / 'plain')
  training.train(tiny.config(model__num_levels=2, log_every=6, eval_every=0), plain,
                 tiny.one_device())
  for line, other in zip(lines, [line for line in tiny.lines(plain) if 'train_bpd' in line]):
    assert line['train_bpd'] == pytest.approx(other['train_bpd'], rel=1e-5)
    assert line['grad_norm'] == pytest.approx(other['grad_norm'], rel=1e-4)
    assert 'level_0_drift' not in other


@pytest.mark.parametrize('dropped, events', [(1, 2), (2, 4)], ids=['after it', 'before it'])
def test_a_run_resumed_gives_the_bytes_of_one_that_was_not(
    drifting_run, tmp_path, dropped, events):
  """From step 8 the checkpoint remembers the fallback, from step 4 it happens again."""
  path = str(tmp_path / 'run')
  shutil.copytree(drifting_run, path)
  numbers = sorted(int(os.path.basename(name)[5:-5])
                   for name in glob.glob(f'{path}/checkpoints/ckpt-*.json'))
  for number in numbers[-dropped:]:
    for file in glob.glob(f'{path}/checkpoints/ckpt-{number}.*'):
      os.remove(file)
  training.train(_config(**_DRIFTING), path, tiny.one_device())
  assert [event['step'] for event in _events(path)] == [6] * events
  assert tiny.weights(path) == tiny.weights(drifting_run)
