"""Fields that came later count as what held before; unknown ones are named."""

import ml_collections
import pytest

from configs import base
from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.runs import config_check
from tfp_glow.runs import config_versions


def _without(*names):
  config = tiny.config()
  for name in names:
    *parents, field = name.split('.')
    part = config
    for parent in parents:
      part = part[parent]
    del part[field]
  return config


def _with(name, value):
  *parents, field = name.split('.')
  config = tiny.config().to_dict()
  part = config
  for parent in parents:
    part = part[parent]
  part[field] = value
  return config


def test_a_complete_config_stays_as_it_is():
  config = tiny.config()
  completed = config_versions.complete(config)
  assert completed.to_dict() == config.to_dict() and completed is not config


@pytest.mark.parametrize('name', config_versions.BEFORE)
def test_a_field_that_came_later_counts_as_what_held_before(name):
  completed = config_check.flat(config_versions.complete(_without(name)).to_dict())
  assert completed[name] == config_versions.BEFORE[name]
  assert set(completed) == set(config_check.FIELDS)


def test_a_part_that_came_later():
  assert config_versions.complete(_without('early_stopping')).early_stopping.patience == 0


def test_what_held_before_is_the_default_where_the_numbers_depend_on_it():
  """Else a run would be refused under the config file that it was begun with."""
  defaults = config_check.flat(base.defaults().to_dict())
  for name, value in config_versions.BEFORE.items():
    assert value == defaults[name] or config_check.is_adjustable(name), name


def test_a_field_that_was_always_there():
  with pytest.raises(errors.UserError, match='x.json has no field model.depth; it must be an int'):
    config_versions.complete(_without('model.depth'), 'x.json')


@pytest.mark.parametrize('name', ['model.wings', 'dataset.wings'])
def test_what_may_change_the_meaning_of_weights_or_images_is_refused(name):
  with pytest.raises(errors.UserError, match=f'x.json has the field {name}=2, .* does not know'):
    config_versions.complete(_with(name, 2), 'x.json')


@pytest.mark.parametrize('name', ['optimizer.wings', 'wings', 'early_stopping.wings'])
def test_what_concerns_training_is_refused_there_and_ignored_elsewhere(name, capsys):
  with pytest.raises(errors.UserError, match=f'has the field {name}=2'):
    config_versions.complete(_with(name, 2), training=True)
  where = f'{name}.json'  # A thing is said once.
  for _ in range(2):
    assert config_versions.complete(_with(name, 2), where).to_dict() == tiny.config().to_dict()
  assert capsys.readouterr().err.splitlines() == [
      f'{where} has the field {name}=2, which this version of the program does not know; it is '
      'ignored.']


def test_what_changes_no_number_is_ignored_by_name(capsys):
  config = config_versions.complete(_with('recovery.wings', 2), 'y.json', training=True)
  assert config.to_dict() == tiny.config().to_dict()
  assert 'y.json has the field recovery.wings=2' in capsys.readouterr().err


def test_the_parts_of_an_export():
  description = {'format': 1, 'seed': 3, 'model': tiny.config().model.to_dict(), 'step': 4}
  del description['model']['input_limit']
  config = config_versions.complete(description, parts=('model', 'seed'))
  assert config.model.input_limit == 4. and config.seed == 3 and set(config) == {'model', 'seed'}


def test_what_json_cannot_hold():
  config = tiny.config().to_dict()
  config['sampling']['temperature'] = len
  with pytest.raises(errors.UserError, match='the config holds what JSON cannot'):
    config_versions.complete(ml_collections.ConfigDict(config))
