"""warm-up rate (step + 1) / warmup_steps, then constant or rate (1 + cos(pi t)) / 2."""

import math

import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.training import schedule


def _rates(num_steps, steps, **changes):
  fields = {f'optimizer__{name}': value for name, value in changes.items()}
  rate = schedule.make_schedule(tiny.config(**fields).optimizer, num_steps)
  return [float(rate(step)) for step in steps]


def test_constant():
  assert _rates(100, [0, 1, 2, 3, 4, 50, 99], schedule='constant', warmup_steps=4,
                learning_rate=.4) == pytest.approx([.1, .2, .3, .4, .4, .4, .4])


def test_cosine():
  rates = _rates(100, [0, 9, 10, 55, 99, 100, 200], schedule='cosine', warmup_steps=10,
                 learning_rate=1.)
  last = .5 * (1 + math.cos(math.pi * 89 / 90))
  assert rates == pytest.approx([.1, 1., 1., .5, last, 0., 0.], abs=1e-6)


def test_without_warm_up():
  assert _rates(10, [0], schedule='constant', warmup_steps=0, learning_rate=.3) == [
      pytest.approx(.3)]


def test_a_run_that_is_shorter_than_its_warm_up():
  assert _rates(2, [0, 1], schedule='cosine', warmup_steps=4, learning_rate=1.) == pytest.approx(
      [.25, .5])


def test_refuses():
  message = "optimizer.schedule='linear' is unknown; choose one of constant"
  with pytest.raises(errors.UserError, match=message):
    _rates(10, [0], schedule='linear')
