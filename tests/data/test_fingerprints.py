"""A run can tell another data set from its own, and how its own has changed."""

import json
import os

import numpy as np
import pytest

from tfp_glow import data
from tfp_glow.data import array_reader
from tfp_glow.data.folder import files as files_lib


def _write(folder, numbers, salt=''):
  folder.mkdir(exist_ok=True)
  for k in numbers:
    (folder / f'{k}.png').write_text(f'{salt}{k}')


def _fingerprint(folder):
  fingerprint = files_lib.FolderFiles.find(str(folder)).fingerprint()
  return json.loads(json.dumps(fingerprint))


def _arrays(seed=0, num=9):
  random = np.random.RandomState(seed)
  return array_reader.ArrayReader('some', {
      split: (random.randint(0, 256, [num, 4, 4, 1]).astype(np.uint8), np.arange(num) % 3)
      for split in ('train', 'test')}).fingerprint()


def test_nothing_changes_when_a_folder_is_copied_or_touched(tmp_path):
  _write(tmp_path / 'a', range(50))
  _write(tmp_path / 'b', range(50))
  os.utime(tmp_path / 'b' / '3.png', (1, 1))
  assert data.describe_change(_fingerprint(tmp_path / 'a'), _fingerprint(tmp_path / 'b')) is None
  assert data.describe_change(None, _fingerprint(tmp_path / 'a')) is None


def test_images_that_come_and_go_are_counted(tmp_path):
  _write(tmp_path / 'a', range(100))
  old, before = _fingerprint(tmp_path / 'a'), files_lib.FolderFiles.find(str(tmp_path / 'a'))
  for k in range(5):
    (tmp_path / 'a' / f'{k}.png').unlink()
  _write(tmp_path / 'a', range(100, 180))
  new, after = _fingerprint(tmp_path / 'a'), files_lib.FolderFiles.find(str(tmp_path / 'a'))
  change = data.describe_change(old, new)
  test, other = (set(files.paths[:files.num_test]) for files in (before, after))
  assert not change.is_other and (change.added, change.removed, change.moved) == (80, 5, 0)
  assert (change.test_added, change.test_removed) == (len(other - test), len(test - other))
  assert change.test_added > 0
  for words in ('80 new pictures and 5 fewer', f'test split has {change.test_added} others',
                f'lost {change.test_removed}'):
    assert words in change.message
  assert '\n' not in change.message


def test_training_images_that_are_for_testing_now_are_counted(tmp_path):
  _write(tmp_path / 'a', range(100))
  old = _fingerprint(tmp_path / 'a')
  new = json.loads(json.dumps(old))
  new['files'] = dict(test=old['files']['train'], train=old['files']['test'])
  change = data.describe_change(old, new)
  assert change.moved == old['images']['train'] and 'were trained on' in change.message


@pytest.mark.parametrize('numbers, salt', [
    (range(1000, 1100), ''),  # Other names.
    (range(100), 'other'),  # The same names, other sizes.
    (range(30), ''),  # Most are gone.
])
def test_another_folder_is_known(tmp_path, numbers, salt):
  _write(tmp_path / 'a', range(100))
  _write(tmp_path / 'b', numbers, salt)
  change = data.describe_change(_fingerprint(tmp_path / 'a'), _fingerprint(tmp_path / 'b'))
  assert change.is_other and 'another folder of 100 pictures' in change.message


def test_another_folder_with_the_same_names_and_sizes_is_known(tmp_path):
  _write(tmp_path / 'a', range(100), 'x')
  _write(tmp_path / 'b', range(100), 'y')
  old, new = _fingerprint(tmp_path / 'a'), _fingerprint(tmp_path / 'b')
  assert old['files'] == new['files']
  assert data.describe_change(old, new).is_other


def test_one_picture_with_other_contents_is_no_other_folder(tmp_path):
  _write(tmp_path / 'a', range(100))
  old = _fingerprint(tmp_path / 'a')
  first = files_lib.FolderFiles.find(str(tmp_path / 'a')).paths[0]
  (tmp_path / 'a' / first).write_text('z' * len(first[:-4]))
  change = data.describe_change(old, _fingerprint(tmp_path / 'a'))
  assert not change.is_other and 'other contents' in change.message


def test_arrays_are_told_by_their_contents():
  assert data.describe_change(_arrays(), json.loads(json.dumps(_arrays()))) is None
  for other in (_arrays(seed=1), _arrays(num=8)):
    change = data.describe_change(_arrays(), other)
    assert change.is_other and '9 train' in change.message


def test_data_sets_of_tfds_are_told_by_name_and_version():
  old = dict(kind='tfds', name='mnist/3.0.1', images=dict(train=60000, test=10000))
  assert data.describe_change(old, dict(old)) is None
  change = data.describe_change(old, {**old, 'name': 'mnist/4.0.0'})
  assert change.is_other and 'mnist/3.0.1' in change.message and 'mnist/4.0.0' in change.message
  assert data.describe_change(old, _arrays()).is_other
