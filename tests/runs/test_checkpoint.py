"""Checkpoints that are checked before they are trusted."""

import datetime
import json
import os
import resource

import pytest
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.runs import checkpoint


class _Run:
  """One Variable and its checkpoints."""

  def __init__(self, path):
    self.reports = []
    self.variable = tf.Variable(tf.zeros([1000]))
    self.items = {'weights': [self.variable]}
    self.path = str(path / 'checkpoints')
    self.store = checkpoint.CheckpointStore(self.path, self.reports.append)

  def save(self, value):
    self.variable.assign(tf.fill([1000], float(value)))
    return self.store.save(self.items, {'step': 10 * value})

  def newest(self):
    """The value in the newest usable checkpoint, as a new process finds it, or None."""
    self.reports.clear()
    store = checkpoint.CheckpointStore(self.path, self.reports.append)
    number, info = next(store.usable(), (None, None))
    if number is None:
      return None
    self.variable.assign(tf.fill([1000], -1.))
    store.restore(self.items, number)
    assert info['step'] == 10 * int(self.variable[0])
    return int(self.variable[0])

  def file(self, number, suffix='.data-00000-of-00001'):
    return os.path.join(self.path, f'ckpt-{number}{suffix}')


@pytest.fixture(name='run')
def _run(tmp_path):
  result = _Run(tmp_path)
  for value in range(1, 6):
    assert result.save(value) == value
  return result


def test_the_newest_counts_and_three_are_kept(run):
  assert run.newest() == 5 and not run.reports
  assert {int(name.split('.')[0][len('ckpt-'):]) for name in os.listdir(run.path)
          if name.startswith('ckpt')} == {3, 4, 5}
  assert tf.train.latest_checkpoint(run.path) == run.file(5, '')


def test_what_was_saved_comes_back_with_its_day(run):
  info = {'step': 60, 'more': [1]}
  number = run.store.save(run.items, info)
  assert next(run.store.usable()) == (
      number, {**info, 'saved': datetime.date.today().isoformat()})


def test_numbers_go_on_in_a_new_process(run):
  store = checkpoint.CheckpointStore(run.path, run.reports.append)
  assert store.save(run.items, {'step': 60}) == 6
  assert [number for number, _ in store.usable()] == [6, 5, 4]


def _flip_a_bit(path):
  with open(path, 'rb+') as f:
    f.seek(os.path.getsize(path) // 2)
    byte = f.read(1)[0]
    f.seek(-1, os.SEEK_CUR)
    f.write(bytes([byte ^ 1]))


@pytest.mark.parametrize('suffix', ['.data-00000-of-00001', '.index'])
def test_a_flipped_bit(run, suffix):
  _flip_a_bit(run.file(5, suffix))
  assert run.newest() == 4
  report, = run.reports
  assert f'ckpt-5 in {run.path} is passed over: ckpt-5{suffix} does not match its SHA' in report


@pytest.mark.parametrize('suffix', ['.data-00000-of-00001', '.index', '.json'])
def test_a_truncated_file(run, suffix):
  os.truncate(run.file(5, suffix), os.path.getsize(run.file(5, suffix)) - 3)
  assert run.newest() == 4
  assert 'ckpt-5' in run.reports[0]


@pytest.mark.parametrize('suffix', ['.data-00000-of-00001', '.index', '.json'])
def test_a_missing_file(run, suffix):
  os.remove(run.file(5, suffix))
  assert run.newest() == 4
  assert 'ckpt-5' in run.reports[0]


def _edit_record(path, change):
  with open(path, encoding='utf-8') as f:
    record = json.load(f)
  record = change(record)
  with open(path, 'w', encoding='utf-8') as f:
    json.dump(record, f)


@pytest.mark.parametrize('change, problem', [
    (lambda record: {**record, 'step': record['step'] + 1}, 'it does not match its SHA-256'),
    (lambda record: {**record, 'step': 50.0}, 'it does not match its SHA-256'),
    (lambda record: [record], 'it holds no record'), (lambda record: None, 'it holds no record')])
def test_a_record_that_was_changed(run, change, problem):
  _edit_record(run.file(5, '.json'), change)
  assert run.newest() == 4
  assert run.reports == [f'checkpoint ckpt-5 in {run.path} is passed over: ckpt-5.json cannot '
                         f'be read ({problem}).']


@pytest.mark.parametrize('changes, problem', [
    (dict(step=None), 'lacks the step'), (dict(step='50'), 'lacks the step'),
    (dict(step=-1), 'lacks the step'), (dict(best_step='x'), 'has no number for its best step'),
    (dict(files=None), 'lacks the SHA-256 of its files'),
    (dict(files={}), 'lacks the SHA-256 of its files'),
    (dict(files={'ckpt-5.index': 3}), 'lacks the SHA-256 of its files'),
    (dict(files={'ckpt-5.index': {'bytes': 1}}), 'lacks the SHA-256 of its files'),
    (dict(config=[3]), 'has no fields for its config'), (dict(saved=3), 'has no text for its day'),
    (dict(files={'ckpt-5.index': {'bytes': 1, 'sha256': ''}, '\0': {'bytes': 1, 'sha256': ''}}),
     'ckpt-5.index has'), ({}, None)])
def test_a_record_of_version_0_1(run, changes, problem):
  """It has no SHA-256 of its own, so what it lacks is looked for."""
  def change(record):
    del record['sha256']
    return {key: value for key, value in {**record, **changes}.items() if value is not None}
  _edit_record(run.file(5, '.json'), change)
  assert run.newest() == (4 if problem else 5)
  assert [problem in report for report in run.reports] == ([True] if problem else [])


def test_the_newest_that_is_deleted_is_named(run):
  for name in os.listdir(run.path):
    if name.startswith('ckpt-5'):
      os.remove(os.path.join(run.path, name))
  assert run.newest() == 4
  assert run.reports == [f'checkpoint ckpt-5 in {run.path} is passed over: it was the newest, and '
                         'its files are gone.']
  assert run.save(6) == 5 and run.newest() == 6 and not run.reports


def test_names(run):
  progress = tf.Module()
  progress.step, progress.list = tf.Variable(1), [tf.Variable(2)]
  number = run.store.save({**run.items, 'progress': progress}, {'step': 60})
  assert run.store.names(number, 'progress') == {'step'}
  assert run.store.names(number, 'average') == set()


@pytest.mark.parametrize('text', [
    b'model_checkpoint_path: "ck', b'', b'model_checkpoint_path: "\xff"', b'{"a": [',
    b'model_checkpoint_path: "../elsewhere/ckpt-5"\nall_model_checkpoint_paths: "/ckpt-4"'])
def test_a_damaged_list_of_checkpoints_does_not_matter(run, text):
  with open(os.path.join(run.path, 'checkpoint'), 'wb') as f:
    f.write(text)
  assert run.newest() == 5
  assert run.save(6) == 6 and run.newest() == 6 and not run.reports
  assert {name.split('.')[0] for name in os.listdir(run.path)} == {
      'checkpoint', 'ckpt-4', 'ckpt-5', 'ckpt-6'}
  assert tf.train.latest_checkpoint(run.path) == run.file(6, '')


def test_what_is_in_the_way_of_the_list_is_named(run):
  os.remove(os.path.join(run.path, 'checkpoint'))
  os.mkdir(os.path.join(run.path, 'checkpoint'))
  with pytest.raises(errors.UserError, match='written .Is a directory: .*checkpoints/checkpoint.; '):
    run.save(6)
  assert run.newest() == 5 and not run.reports


def test_a_save_that_failed_is_not_the_newest_in_the_list(run, monkeypatch):
  def fail(path, record):
    raise OSError(28, 'No space left on device')
  monkeypatch.setattr('tfp_glow.runs.files.write_record', fail)
  with pytest.raises(errors.UserError, match='ckpt-6 cannot be written .No space left on device'):
    run.save(6)
  assert run.newest() == 5 and not run.reports


def test_none_left(run):
  for number in (3, 4, 5):
    _flip_a_bit(run.file(number))
  before = sorted(os.listdir(run.path))
  assert run.newest() is None
  assert len(run.reports) == 3
  assert sorted(os.listdir(run.path)) == before


def test_a_damaged_one_is_never_overwritten_by_its_successor(run):
  _flip_a_bit(run.file(5))
  store = checkpoint.CheckpointStore(run.path, run.reports.append)
  assert store.save(run.items, {'step': 50}) == 6
  assert run.newest() == 5


@pytest.mark.parametrize('limit', [2000, 100], ids=['data', 'index'])
def test_a_full_disk_is_one_line_and_keeps_the_previous_one(run, limit):
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
  try:
    with pytest.raises(errors.UserError, match='ckpt-6 cannot be written .*are intact') as error:
      run.save(6)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  assert '\n' not in str(error.value)
  assert run.newest() == 5 and not run.reports
  assert tf.train.latest_checkpoint(run.path) == run.file(5, '')
  assert not [name for name in os.listdir(run.path) if name.startswith('ckpt-6')]
  assert run.save(6) == 6


def test_an_interrupted_save_is_passed_over_and_cleared_away(run):
  os.makedirs(run.file(6, '_temp'))
  for name in ('.index', '.data-00000-of-00001'):
    with open(run.file(6, name), 'w', encoding='utf-8') as f:
      f.write('half')
  assert run.newest() == 5
  assert 'ckpt-6' in run.reports[0] and 'interrupted' in run.reports[0]
  assert run.save(7) == 7
  assert not [name for name in os.listdir(run.path) if name.startswith('ckpt-6')]


def test_is_new(tmp_path):
  run = _Run(tmp_path)
  assert run.store.is_new()
  os.makedirs(run.file(1, '_temp'))
  assert run.store.is_new()
  run.save(1)
  assert not run.store.is_new()


def test_another_model_is_one_line(run):
  other = {'weights': [tf.Variable(tf.zeros([7]))]}
  with pytest.raises(errors.UserError, match='ckpt-5 does not fit this model'):
    run.store.restore(other, 5)


def test_a_folder_whose_name_is_a_pattern(tmp_path):
  folder = tmp_path / 'br[1]ack*?'
  folder.mkdir()
  run = _Run(folder)
  for value in range(1, 6):
    run.save(value)
  assert run.newest() == 5 and not run.reports
  assert {name.split('.')[0] for name in os.listdir(run.path)} == {
      'checkpoint', 'ckpt-3', 'ckpt-4', 'ckpt-5'}
