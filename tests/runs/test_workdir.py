"""A workdir belongs to one config."""

import json
import os

import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import runs


def _made_with(tmp_path, config):
  workdir = runs.Workdir(str(tmp_path / 'run'))
  workdir.prepare()
  workdir.write_config(config)
  return workdir


def test_reads_what_it_wrote(tmp_path):
  workdir = _made_with(tmp_path, tiny.config())
  assert workdir.read_config().to_dict() == tiny.config().to_dict()
  assert workdir.check(tiny.config()) == []
  assert os.listdir(workdir.path) == ['config.json']


def test_new_folders_take_any_config(tmp_path):
  assert runs.Workdir(str(tmp_path / 'none')).check(tiny.config()) == []


def test_refuses_fields_that_change_the_numbers(tmp_path):
  workdir = _made_with(tmp_path, tiny.config())
  with pytest.raises(errors.UserError, match=(
      r'made with another config \(optimizer.name: "adam" -> "sgd"; seed: 0 -> 1\)')):
    workdir.check(tiny.config(seed=1, optimizer__name='sgd', log_every=5))


def test_a_field_that_came_later_is_no_difference(tmp_path):
  workdir = _made_with(tmp_path, tiny.config())
  with open(workdir.config_file, encoding='utf-8') as f:
    config = json.load(f)
  del config['model']['input_limit'], config['early_stopping'], config['sha256']
  with open(workdir.config_file, 'w', encoding='utf-8') as f:
    json.dump(config, f)
  assert workdir.check(tiny.config()) == []
  with pytest.raises(errors.UserError, match='model.input_limit: 4.0 -> 3.0'):
    workdir.check(tiny.config(model__input_limit=3.))


def test_home(monkeypatch, tmp_path):
  monkeypatch.setenv('HOME', str(tmp_path))
  assert runs.Workdir('~/run').path == str(tmp_path / 'run')


def test_adjustable_fields(tmp_path):
  workdir = _made_with(tmp_path, tiny.config())
  assert workdir.check(tiny.config(
      log_every=5, model__reversible=True, recovery__max_recoveries=9)) == [
          'log_every: 3 -> 5', 'model.reversible: false -> true',
          'recovery.max_recoveries: 6 -> 9']


@pytest.mark.parametrize('schedule, allowed', [('constant', True), ('cosine', False)])
def test_num_steps_may_change_where_the_schedule_does_not_depend_on_it(
    tmp_path, schedule, allowed):
  workdir = _made_with(tmp_path, tiny.config(optimizer__schedule=schedule))
  longer = tiny.config(optimizer__schedule=schedule, num_steps=99)
  if allowed:
    assert workdir.check(longer) == ['num_steps: 12 -> 99']
  else:
    with pytest.raises(errors.UserError, match='num_steps: 12 -> 99'):
      workdir.check(longer)


def test_unreadable_config(tmp_path):
  workdir = _made_with(tmp_path, tiny.config())
  for text in ('{"seed": ', '3', 'null', '[]', '{"a.b": 1}', '{"model": 3}', '[' * 10**5):
    with open(workdir.config_file, 'w', encoding='utf-8') as f:
      f.write(text)
    with pytest.raises(errors.UserError, match='config.json (cannot be read|has no field)'):
      workdir.read_config()


def test_a_config_that_was_changed(tmp_path):
  workdir = _made_with(tmp_path, tiny.config())
  with open(workdir.config_file, encoding='utf-8') as f:
    text = f.read().replace('"noise_draws": 1', '"noise_draws": 3')
  with open(workdir.config_file, 'w', encoding='utf-8') as f:
    f.write(text)
  with pytest.raises(errors.UserError, match='config.json cannot be read .it does not match its '
                     'SHA-256.; put it back from a backup. If it was changed by hand, its line'):
    workdir.read_config()
  with open(workdir.config_file, 'w', encoding='utf-8') as f:
    f.write(text.replace('"sha256"', '"a_slip"'))
  assert workdir.read_config().evaluation.noise_draws == 3, 'as version 0.1 wrote it'


def test_no_run(tmp_path):
  with pytest.raises(errors.UserError, match='holds no run'):
    runs.Workdir(str(tmp_path)).read_config()


def test_a_config_that_is_a_link_to_nothing_is_named(tmp_path):
  os.symlink(tmp_path / 'a disk that is away', tmp_path / 'config.json')
  workdir = runs.Workdir(str(tmp_path))
  assert workdir.has_config
  with pytest.raises(errors.UserError, match='config.json cannot be read .*put it back'):
    workdir.read_config()


def test_unwritable_workdir_is_one_line(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(errors.UserError, match='file/run cannot be written .Not a directory'):
    runs.Workdir(str(tmp_path / 'file' / 'run')).prepare()


def test_nothing_is_left_of_a_folder_in_which_nothing_came_to_be(tmp_path):
  workdir = runs.Workdir(str(tmp_path / 'a' / 'b' / 'c'))
  workdir.prepare()
  workdir.unlock()
  assert not os.listdir(tmp_path)
  workdir.prepare()
  workdir.write_config(tiny.config())
  workdir.unlock()
  assert os.listdir(tmp_path / 'a' / 'b' / 'c') == ['config.json']
  empty = tmp_path / 'empty'
  empty.mkdir()
  workdir = runs.Workdir(str(empty))
  workdir.prepare()
  workdir.unlock()
  assert empty.exists(), 'it was there before'


def test_a_process_that_comes_second_leaves_the_folder_that_it_made(tmp_path):
  path = str(tmp_path / 'a' / 'run')
  first, second = [runs.Workdir(path) for _ in range(2)]
  second._make()  # pylint: disable=protected-access
  first.prepare()
  with pytest.raises(errors.UserError, match='another process is training in workdir'):
    second.prepare()
  second.unlock()
  first.write_config(tiny.config())
  with pytest.raises(errors.UserError, match='another process is training in workdir'):
    runs.Workdir(path).prepare()
  first.unlock()


def test_a_folder_that_was_taken_away_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
  path, lock = str(tmp_path / 'a' / 'run'), runs.Workdir.lock
  first, second = [runs.Workdir(path) for _ in range(2)]
  first.prepare()
  first_lock = [first.unlock]

  def lock_late(self):
    opened = os.open(path, os.O_RDONLY) if first_lock else None
    if first_lock:
      first_lock.pop()()  # The other one fails, and its folder goes.
      self._lock = opened  # pylint: disable=protected-access
    else:
      lock(self)

  monkeypatch.setattr(runs.Workdir, 'lock', lock_late)
  second.prepare()
  monkeypatch.undo()
  with pytest.raises(errors.UserError, match='another process is training in workdir'):
    runs.Workdir(path).lock()
  second.write_config(tiny.config())
  second.unlock()


def test_one_process_at_a_time(tmp_path):
  first, second = [runs.Workdir(str(tmp_path)) for _ in range(2)]
  first.lock()
  with pytest.raises(errors.UserError, match='another process is training in workdir'):
    second.lock()
  first.unlock()
  second.lock()
  second.unlock()
  assert not os.listdir(tmp_path)
