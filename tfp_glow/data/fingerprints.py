"""Tells what happened to a run's data between two times, by the `fingerprint` of its source."""

import base64
import dataclasses

import numpy as np

__all__ = ['Change', 'describe_change']


@dataclasses.dataclass(frozen=True)
class Change:
  """How a data set differs from what it was.

  Attributes:
    is_other: bool, whether it is another data set, with which a run cannot go on.
    message: str, one line: what differs.
    added, removed: ints, images of a folder.
    test_added, test_removed: ints, images of its test split.
    moved: int, images that were for training and are for testing now.
  """

  is_other: bool
  message: str
  added: int = 0
  removed: int = 0
  test_added: int = 0
  test_removed: int = 0
  moved: int = 0


def describe_change(old, new):
  """Compares two fingerprints of `ImageSource`.

  Args:
    old: a run's, as JSON gave it back; or None, where that was not kept.
    new: that of the data set which a config names now.

  Returns:
    `Change`, or None where nothing differs or nothing is known. A folder is another one where
    less than half of the old images are there still, by their names and sizes, or where the
    files looked into all have other contents.
  """
  if old is None or old == new:
    return None
  if old.get('kind') != new['kind'] or new['kind'] != 'folder':
    return Change(True, f'the data set was {_named(old)}, and is {_named(new)} now')
  return _compare_folders(old, new)


def _named(fingerprint):
  """What a fingerprint is of, in words."""
  counts = ', '.join(f'{num} {split}' for split, num in sorted(fingerprint['images'].items()))
  name = {'arrays': 'one of files with the digest ' + str(fingerprint.get('digest')),
          'folder': 'a folder of pictures'}.get(fingerprint['kind'], fingerprint.get('name'))
  return f'{name} ({counts} images)'


def _compare_folders(old, new):
  before, after = (
      {split: np.frombuffer(base64.b64decode(files), '>u4')
       for split, files in fingerprint['files'].items()} for fingerprint in (old, new))
  all_before, all_after = (
      np.concatenate([parts['train'], parts['test']]) for parts in (before, after))
  removed = _num_missing(all_before, all_after)
  common = old['sample'].keys() & new['sample'].keys()
  has_other_contents = common and all(old['sample'][k] != new['sample'][k] for k in common)
  if 2 * removed > len(all_before) or has_other_contents:
    return Change(True, f'the data set was another folder of {len(all_before)} pictures, of which '
                  f'{len(all_before) - removed} are among these {len(all_after)}')
  change = Change(
      False, '', added=_num_missing(all_after, all_before), removed=removed,
      test_added=_num_missing(after['test'], before['test']),
      test_removed=_num_missing(before['test'], after['test']),
      moved=len(np.intersect1d(before['train'], after['test'])))
  parts = []
  if change.added or change.removed:
    parts.append(f'the folder has {change.added} new pictures and {change.removed} fewer')
  if change.test_added or change.test_removed:
    parts.append(f'the test split has {change.test_added} others and has lost '
                 f'{change.test_removed}, so its bits/dim are not those of before')
  if change.moved:
    parts.append(f'{change.moved} pictures for testing were trained on')
  message = '; '.join(parts) or 'pictures of the folder have other contents than before'
  return dataclasses.replace(change, message=message)


def _num_missing(some, others):
  """How many of some codes are not among others."""
  return int((~np.isin(some, others)).sum())
