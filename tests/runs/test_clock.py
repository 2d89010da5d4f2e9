"""Time is booked once in all, and once for what it went into."""

import pytest

from tfp_glow.runs import clock as clock_lib
from tfp_glow.training import state as state_lib


def test_clock():
  progress = state_lib.Progress(0)
  clock = clock_lib.Clock()
  clock.lap(progress)
  trained_s = float(progress.train_s)
  assert 0 < trained_s == float(progress.wall_s)
  clock.lap(progress, 'sampling')
  assert float(progress.train_s) == trained_s < float(progress.wall_s)
  assert float(progress.sampling_s) == pytest.approx(float(progress.wall_s) - trained_s)
  assert clock_lib.rounded(progress)['evaluation_s'] == 0.
