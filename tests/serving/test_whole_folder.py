"""A folder appears whole, or nothing is left of it."""

import fcntl
import os
import time

import pytest

from tfp_glow.serving import whole_folder

_CONTENTS = ('a', 'b')


def write(path, text='whole'):
  with whole_folder.written_whole(str(path), _CONTENTS) as folder:
    with open(os.path.join(folder, 'a'), 'w', encoding='utf-8') as f:
      f.write(text)


def test_it_is_there_at_the_end_and_not_before(tmp_path):
  with whole_folder.written_whole(str(tmp_path / 'new' / '7'), _CONTENTS) as folder:
    assert os.listdir(tmp_path / 'new') == [os.path.basename(folder)]
    assert os.path.basename(folder).startswith('.7-')
  assert os.listdir(tmp_path / 'new') == ['7']
  assert os.stat(tmp_path / 'new' / '7').st_mode & 0o777 == 0o755


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt, SystemExit])
def test_whatever_goes_wrong_leaves_nothing(tmp_path, error):
  with pytest.raises(error):
    with whole_folder.written_whole(str(tmp_path / '7'), _CONTENTS) as folder:
      open(os.path.join(folder, 'a'), 'w', encoding='utf-8').close()
      raise error
  assert not os.listdir(tmp_path)


def test_what_exists_already_stays(tmp_path):
  write(tmp_path / '7', 'first')
  with pytest.raises(OSError):
    write(tmp_path / '7', 'second')
  assert (tmp_path / '7' / 'a').read_text() == 'first' and os.listdir(tmp_path) == ['7']


def test_the_abandoned_are_deleted_and_no_others(tmp_path):
  for name, content in (('.3-abcdefgh', 'a'), ('.12-_0a9z8_x', 'b'), ('.3-bcdefghi', 'mine'),
                        ('.3-short', 'a'), ('.x-abcdefgh', 'a'), ('3-abcdefgh', 'a')):
    os.makedirs(tmp_path / name)
    (tmp_path / name / content).write_text('')
  (tmp_path / '.4-abcdefgh').write_text('a file')
  write(tmp_path / '7')
  assert sorted(os.listdir(tmp_path)) == sorted(
      ['.3-bcdefghi', '.3-short', '.x-abcdefgh', '3-abcdefgh', '.4-abcdefgh', '7'])


def test_one_that_is_being_written_stays(tmp_path):
  with whole_folder.written_whole(str(tmp_path / '6'), _CONTENTS) as folder:
    write(tmp_path / '7')
    assert os.path.isdir(folder)
  assert sorted(os.listdir(tmp_path)) == ['6', '7']


def test_a_writer_that_was_killed_is_cleared_away_after(tmp_path):
  process = os.fork()
  if not process:
    with whole_folder.written_whole(str(tmp_path / '6'), _CONTENTS):
      (tmp_path / 'ready').write_text('')
      time.sleep(60)
    os._exit(1)
  try:
    while not (tmp_path / 'ready').exists():
      time.sleep(0.01)
    write(tmp_path / '7')
    assert len(list(tmp_path.glob('.6-*'))) == 1
  finally:
    os.kill(process, 9)
    os.waitpid(process, 0)
  write(tmp_path / '8')
  assert sorted(os.listdir(tmp_path)) == ['7', '8', 'ready']


def test_without_locks_nothing_is_deleted(tmp_path, monkeypatch):
  def flock(*unused):
    raise OSError(95, 'Operation not supported')
  monkeypatch.setattr(fcntl, 'flock', flock)
  os.makedirs(tmp_path / '.3-abcdefgh')
  write(tmp_path / '7')
  assert sorted(os.listdir(tmp_path)) == ['.3-abcdefgh', '7']
