"""Which files of a folder are images, and which of them are held out."""

import os

import numpy as np
import pytest

from tfp_glow import errors
from tfp_glow.data.folder import files as files_lib


def _touch(folder, *names):
  for name in names:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(name.encode())


def _files(num, folder='anywhere'):
  paths = sorted((f'{k}.png' for k in range(num)), key=files_lib._chance)  # pylint: disable=protected-access
  return files_lib.FolderFiles(folder, tuple(paths))


def _split(files):
  return set(files.paths[:files.num_test]), set(files.paths[files.num_test:])


def test_suffixes_in_any_case_and_nothing_hidden(tmp_path):
  _touch(tmp_path, 'a.png', 'B.JPG', 'c.JpEg', 'sub/d.webp', 'sub/e.TIFF', 'f.gif', 'g.bmp',
         'notes.txt', '.hidden.png', '.git/h.png', '._a.png')
  assert files_lib.find_images(str(tmp_path)) == [
      'B.JPG', 'a.png', 'c.JpEg', 'f.gif', 'g.bmp', 'sub/d.webp', 'sub/e.TIFF']


def test_links_are_followed_and_circles_are_not(tmp_path):
  _touch(tmp_path / 'elsewhere', 'x/1.png', '2.png')
  _touch(tmp_path / 'here', '3.png', 'sub/4.png')
  (tmp_path / 'here' / 'linked').symlink_to(tmp_path / 'elsewhere')
  (tmp_path / 'here' / 'linked again').symlink_to(tmp_path / 'elsewhere')
  (tmp_path / 'here' / 'sub' / 'up').symlink_to(tmp_path / 'here')
  assert files_lib.find_images(str(tmp_path / 'here')) == [
      '3.png', 'linked/2.png', 'linked/x/1.png', 'sub/4.png']


def test_a_closed_folder_is_named(tmp_path, monkeypatch):
  _touch(tmp_path, 'a.png', 'b.png', 'closed/c.png')
  original = os.scandir

  def refuse(path):
    if str(path).endswith('closed'):
      raise PermissionError(13, 'Permission denied', path)
    return original(path)

  monkeypatch.setattr(os, 'scandir', refuse)  # As root, everything is open.
  with pytest.raises(errors.UserError, match='closed cannot be read: Permission denied'):
    files_lib.find_images(str(tmp_path))


@pytest.mark.parametrize('num', [2, 3, 5, 10, 100, 1000])
def test_about_a_tenth_is_for_testing(num):
  test, train = _split(_files(num))
  assert len(test) >= 1 and len(train) >= 1 and not test & train
  assert abs(len(test) - num / 10) <= 3 * np.sqrt(num * .09) + 1


def test_no_image_changes_sides_when_others_come_or_go():
  test, train = _split(_files(300))
  for num in (100, 150, 400, 3000):
    other_test, other_train = _split(_files(num))
    assert not test & other_train and not train & other_test


@pytest.mark.parametrize('percent', [1, 10, 50])
def test_validation_takes_its_share_of_the_training_images(percent):
  files = _files(2000)
  ranks = files.ranks()
  assert len(ranks) == len(files.paths) - files.num_test
  share = (ranks < percent / 100).mean()
  assert abs(share - percent / 100) < 4 * np.sqrt(percent / 100 / len(ranks))
  validation = {path for path, rank in zip(files.paths[files.num_test:], ranks)
                if rank < percent / 100}
  more = _files(3000)
  others = {path for path, rank in zip(more.paths[more.num_test:], more.ranks())
            if rank >= percent / 100}
  assert not validation & others


def test_state_changes_with_what_copies_are_made_of(tmp_path):
  _touch(tmp_path, 'a.png', 'b.png')
  files = files_lib.FolderFiles.find(str(tmp_path))
  before = files.state(8)
  assert before == files.state(8) and before != files.state(9)
  os.utime(tmp_path / 'a.png', (1, 1))
  assert before != files.state(8)


