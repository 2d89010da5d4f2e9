"""Fields that make no sense are refused by name, before anything is built."""

import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.runs import config_check


def test_accepts_the_defaults():
  config_check.check_config(tiny.config())


@pytest.mark.parametrize('field, value', [
    ('batch_size', 0), ('batch_size', 2.5), ('num_steps', -1), ('log_every', 0), ('seed', -3),
    ('jit_compile', 'yes'), ('optimizer.learning_rate', 0.), ('optimizer.ema_decay', 1.),
    ('optimizer.clip_norm', float('nan')), ('evaluation.noise_draws', 0),
    ('early_stopping.patience', -1),
    ('recovery.learning_rate_factor', 0.), ('recovery.max_bad_steps', True)])
def test_refuses(field, value):
  with pytest.raises(errors.UserError, match=f'config.{field}={value!r} must be '):
    config_check.check_config(tiny.config(**{field.replace('.', '__'): value}))


def test_refuses_an_absent_field():
  config = tiny.config()
  del config.optimizer['clip_norm']
  with pytest.raises(errors.UserError, match='no field optimizer.clip_norm; it must be a number'):
    config_check.check_config(config)
