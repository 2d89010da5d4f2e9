"""Three windows above the reference in most steps, and not on their way down."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow.training import bpd_rise
from tfp_glow.training import state as state_lib

_WINDOW = 30


def _first_failure(bits, warmup_steps=0, log_every=_WINDOW, limit=1., num_steps=10**6):
  """The step after which a sequence of bits/dim calls for a recovery, or None.

  A step without a number is one that was not finite.
  """
  config = tiny.config(optimizer__warmup_steps=warmup_steps, recovery__max_bpd_rise=limit)
  progress = state_lib.Progress(0)
  rise = bpd_rise.BpdRise(config, progress)

  @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)])
  def note(values):
    for value in values:
      progress.note_bpd(value)

  for step in range(log_every, len(bits) + 1, log_every):
    window = np.float64(bits[step - log_every:step])
    progress.step.assign(step)
    note(window[np.isfinite(window)])
    if rise.judge(step >= num_steps):
      return step
  return None


def _noise(num, scale=.3):
  return scale * np.random.RandomState(0).randn(num)


def _falling(num=600):
  return 2. + 5. * np.exp(-np.arange(num) / 80.) + _noise(num)


_HEALTHY = {
    'falling': _falling(),
    'flat': 3. + _noise(600),
    'a spike of one step': np.where(np.arange(600) == 333, 1e6, _falling()),
    'a spike of two windows': np.where(np.arange(600) // 40 == 7, 9., _falling()),
    'a spike that decays': _falling() + 30. * np.exp(-np.maximum(np.arange(600) - 300, 0) / 60.) * (
        np.arange(600) >= 300),
    'a first step that is not finite': np.where(np.arange(600) == 0, np.nan, _falling()),
    'a first window that is not finite': np.where(np.arange(600) < 20, np.nan, _falling()),
    'initialised on few images, others far worse at first': np.where(
        np.arange(600) == 0, 2., 3. + 40. * np.exp(-np.arange(600) / 40.)),
}


@pytest.mark.parametrize('bits', _HEALTHY.values(), ids=_HEALTHY)
@pytest.mark.parametrize('log_every', [1, 7, 50])
def test_healthy(bits, log_every):
  assert _first_failure(bits, log_every=log_every) is None


def test_a_plateau_of_a_long_warm_up_is_healthy():
  """The batch that initialised the model was easy; the learning rate is still about 0."""
  bits = np.where(np.arange(600) == 0, 2., 12. + _noise(600))
  assert _first_failure(bits, warmup_steps=600) is None
  assert _first_failure(bits) is not None, 'at the full learning rate it is not'


def test_single_images_that_differ_much_are_healthy():
  assert _first_failure(5. + _noise(3000, 1.5), log_every=1) is None


@pytest.mark.parametrize('warmup_steps', [0, 590])
def test_divergence_is_noticed_after_three_windows(warmup_steps):
  bits = np.where(np.arange(600) < 300, _falling(), 20. + _noise(600))
  assert _first_failure(bits, warmup_steps) == 300 + 3 * _WINDOW


def test_divergence_that_hardly_comes_down_is_noticed():
  bits = np.where(np.arange(600) < 300, _falling(), 20. - .002 * np.arange(600))
  assert _first_failure(bits) == 300 + 3 * _WINDOW


def test_divergence_that_swings_is_noticed():
  swing = 20. + 5. * (np.arange(600) // _WINDOW % 2)
  assert _first_failure(np.where(np.arange(600) < 300, _falling(), swing)) <= 300 + 6 * _WINDOW


def test_divergence_in_the_first_window_is_noticed():
  bits = np.where(np.arange(600) < 2, 7., 50. + _noise(600))
  assert _first_failure(bits) == 4 * _WINDOW


def test_a_slow_rise_is_noticed():
  assert 300 < _first_failure(np.where(
      np.arange(900) < 300, _falling(900), 2. + .01 * (np.arange(900) - 300))) < 600


def test_without_a_limit():
  assert _first_failure(np.arange(600.), limit=0.) is None


def test_at_the_end_the_last_window_decides():
  bits = np.where(np.arange(330) < 300, _falling(330), 20.)
  assert _first_failure(bits) is None and _first_failure(bits, num_steps=330) == 330


def test_divergence_that_touches_the_ground_now_and_then_is_noticed():
  bits = np.where(np.arange(600) < 300, _falling(), 20. + _noise(600))
  bits[310::7] = 2.
  assert _first_failure(bits) == 300 + 3 * _WINDOW


def test_what_is_suspected_is_nothing_to_go_back_to():
  progress = state_lib.Progress(0)
  rise = bpd_rise.BpdRise(tiny.config(optimizer__warmup_steps=0), progress)
  assert not rise.is_suspected
  for step in range(1, 61):
    progress.step.assign(step)
    progress.note_bpd(3.)
    if step % _WINDOW == 0:
      rise.judge()
    assert not rise.is_suspected
  progress.note_bpd(9.)
  assert rise.is_suspected
  progress.note_bpd(3.)
  assert not rise.is_suspected
