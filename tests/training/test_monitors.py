"""What the monitors read, and which reading calls for a recovery."""

import re

import numpy as np
import pytest

from tests import tiny_run as tiny
from tfp_glow.runs import trained
from tfp_glow.training import monitors

_GOOD = dict(reconstruction_error=1e-6, max_abs_log_s=1., max_condition_number=3.)


@pytest.fixture(scope='module')
def model():
  return trained.make_model(tiny.config(), (8, 8, 1))


def _images(source):
  return source.arrays('test')[0][:4].numpy()


def test_a_healthy_flow(model, source):
  readings = monitors.Monitors(model, _images(source))()
  assert 0 < readings['reconstruction_error'] < 1e-4
  assert readings['max_condition_number'] == pytest.approx(1., abs=1e-3)
  assert readings['max_abs_log_s'] >= 0
  assert monitors.drift(readings, tiny.config().recovery) is None


def test_a_sick_flow(source):
  model = trained.make_model(tiny.config(), (8, 8, 1))
  read = monitors.Monitors(model, _images(source))
  log_s, = [v for v in model.trainable_variables if 'log_s:' in v.name]
  log_s.assign_add(np.eye(*log_s.shape, dtype=np.float32) * 30.)
  readings = read()
  assert readings['max_abs_log_s'] > 29.
  assert readings['max_condition_number'] > 1e6


@pytest.mark.parametrize('name, value, message', [
    ('reconstruction_error', .2, 'reconstruction error of a pixel is 0.2, above '
                                 'recovery.max_reconstruction_error=0.1'),
    ('max_abs_log_s', 25., 'recovery.max_log_s=20'),
    ('max_condition_number', 1e8, 'recovery.max_condition_number=1e.07'),
    ('max_condition_number', float('nan'), 'kernel is nan')])
def test_drift(name, value, message):
  limits = tiny.config().recovery
  reason = monitors.drift({**_GOOD, name: value}, limits)
  assert reason is not None
  assert re.search(message, reason)
  assert monitors.drift(_GOOD, limits) is None


def test_zero_switches_a_limit_off():
  limits = tiny.config(recovery__max_log_s=0.).recovery
  assert monitors.drift({**_GOOD, 'max_abs_log_s': 1e9}, limits) is None


def _reversible(**changes):
  config = tiny.config(model__num_levels=2, model__reversible=True, **changes)
  return trained.make_model(config, (8, 8, 1))


def test_the_drift_of_each_level_is_read(source):
  model, images = _reversible(), _images(source)
  assert monitors.has_reversible_levels(model.flow)
  drifts = monitors.level_drifts(monitors.Monitors(model, images, watch_levels=True)())
  assert len(drifts) == 2 and all(0 < drift < 1e-5 for drift in drifts)
  # What undoes the level's kernels is made wrong, so it does not recover its input.
  linear = model.flow.levels[1].linear
  inverse = linear.inverse_kernel
  linear.inverse_kernel = lambda: inverse() * 1.1
  drifts = monitors.level_drifts(monitors.Monitors(model, images, watch_levels=True)())
  assert drifts[0] < 1e-5 and drifts[1] > 1e-2
  assert monitors.level_drifts(monitors.Monitors(model, images)()) == []


def test_drifted_levels():
  assert monitors.drifted_levels([1e-4, 1e-3], 1e-3) == set()
  assert monitors.drifted_levels([1e-4, 2e-3], 1e-3) == {1}
  assert monitors.drifted_levels([float('nan'), float('inf')], 1e-3) == {0, 1}
  assert monitors.drifted_levels([9., 9.], 0.) == set()


def test_flows_without_reversible_levels(model):
  assert not monitors.has_reversible_levels(model.flow)
  assert not monitors.has_reversible_levels(_reversible(model__name='tutorial_multi_scale').flow)
