"""Fields that make no sense are refused by name, before anything is built."""

import pytest

from configs import base
from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.runs import config_check


def test_knows_the_fields_of_the_defaults_and_accepts_them():
  assert set(config_check.FIELDS) == set(config_check.flat(base.defaults().to_dict()))
  config_check.check_config(base.defaults())


@pytest.mark.parametrize('field, value', [
    ('batch_size', 0), ('batch_size', 2.5), ('num_steps', -1), ('log_every', 0), ('seed', -3),
    ('jit_compile', 'yes'), ('optimizer.learning_rate', 0.), ('optimizer.ema_decay', 1.),
    ('optimizer.clip_norm', float('nan')), ('evaluation.noise_draws', 0),
    ('early_stopping.patience', -1), ('model.depth', 0), ('model.name', 3), ('model.n_bits', 9),
    ('dataset.flip', 1), ('dataset.image_size', None), ('optimizer.learning_rate', float('inf')),
    ('batch_size', 2**31), ('evaluation.batch_size', 10**30), ('dataset.shift', 10**30),
    ('model.depth', 10**10), ('model.hidden_channels', 10**10), ('model.num_levels', 10**10),
    ('recovery.learning_rate_factor', 0.), ('recovery.max_bad_steps', True)])
def test_refuses(field, value):
  with pytest.raises(errors.UserError, match=f'has {field}={value!r}; it must be '):
    config_check.check_config(tiny.config(**{field.replace('.', '__'): value}))


def test_refuses_an_absent_field():
  config = tiny.config()
  del config.optimizer['clip_norm']
  with pytest.raises(errors.UserError, match='no field optimizer.clip_norm; it must be a number'):
    config_check.check_config(config)
