""".npz files as Keras has them."""

import numpy as np
import pytest

from tfp_glow import data
from tfp_glow import errors


def _arrays(**changes):
  random = np.random.RandomState(0)
  arrays = dict(
      x_train=random.randint(0, 256, [12, 6, 4, 3]).astype(np.uint8),
      y_train=np.arange(12).reshape(12, 1) % 5,
      x_test=random.randint(0, 256, [5, 6, 4, 3]).astype(np.uint8), y_test=np.arange(5))
  arrays.update(changes)
  return {name: value for name, value in arrays.items() if value is not None}


def test_splits_and_labels(tmp_path):
  np.savez_compressed(tmp_path / 'mine.npz', **_arrays())
  for path in (tmp_path, tmp_path / 'mine.npz'):  # A folder with one such file will do.
    source = data.load('npz', data_dir=path)
    assert source.image_shape == (6, 4, 3) and source.num_classes == 5
    for split in ('train', 'test'):
      np.testing.assert_array_equal(source.arrays(split)[0], _arrays()[f'x_{split}'])
      np.testing.assert_array_equal(source.arrays(split)[1], _arrays()[f'y_{split}'].reshape(-1))


def test_grey_images_without_labels(tmp_path):
  np.savez(tmp_path / 'x.npz', x_train=_arrays()['x_train'][..., 0], other=np.ones(3),
           x_test=_arrays()['x_test'][..., 0])
  source = data.load('npz', data_dir=tmp_path / 'x.npz')
  assert source.image_shape == (6, 4, 1) and source.num_classes is None


@pytest.mark.parametrize('changes, words', [
    (dict(x_test=None), 'has no arrays x_train and x_test, but: x_train, y_train, y_test'),
    (dict(x_train=np.zeros([12, 6, 4])), 'x_train must be uint8.*float64 of the shape'),
    (dict(x_train=np.zeros([0, 6, 4, 3], np.uint8)), 'x_train must be uint8'),
    (dict(x_test=np.zeros([5, 4, 6, 3], np.uint8)), 'of one size'),
    (dict(y_train=np.zeros([11], int)), 'y_train must be 12 whole numbers'),
    (dict(y_test=np.zeros([5])), 'y_test must be 5 whole numbers'),
    (dict(y_test=np.full([5], -1)), 'y_test must be 5 whole numbers'),
    (dict(y_test=np.full([5], 2**40)), 'y_test must be 5 whole numbers'),
    (dict(x_train=np.array([{}], object)), 'cannot be read'),
])
def test_what_is_wrong_is_one_line(tmp_path, changes, words):
  np.savez(tmp_path / 'x.npz', **_arrays(**changes))
  with pytest.raises(errors.UserError, match=words) as error:
    data.load('npz', data_dir=tmp_path)
  assert 'x.npz' in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('content', [b'', b'text', b'PK\x03\x04broken'])
def test_a_broken_file_is_named(tmp_path, content):
  (tmp_path / 'x.npz').write_bytes(content)
  with pytest.raises(errors.UserError, match='x.npz cannot be read'):
    data.load('npz', data_dir=tmp_path)


def test_a_file_flipped_or_cut_anywhere_is_named(tmp_path):
  np.savez_compressed(tmp_path / 'good.npz', **_arrays())
  good = (tmp_path / 'good.npz').read_bytes()
  before = data.load('npz', data_dir=tmp_path / 'good.npz').fingerprint
  random = np.random.RandomState(0)
  for k in range(60):
    place = random.randint(len(good))
    bad = good[:place] if k % 2 else good[:place] + bytes([good[place] ^ 255]) + good[place + 1:]
    (tmp_path / 'bad.npz').write_bytes(bad)
    try:
      assert data.load('npz', data_dir=tmp_path / 'bad.npz').fingerprint == before
    except errors.UserError as error:
      assert 'bad.npz' in str(error)


def test_missing_files_are_named(tmp_path):
  with pytest.raises(errors.UserError, match='needs dataset.data_dir'):
    data.load('npz')
  with pytest.raises(errors.UserError, match='nowhere.npz cannot be read'):
    data.load('npz', data_dir=tmp_path / 'nowhere.npz')
  with pytest.raises(errors.UserError, match='holds 0 .npz files'):
    data.load('npz', data_dir=tmp_path)
  for name in ('a.npz', 'b.npz'):
    np.savez(tmp_path / name, **_arrays())
  with pytest.raises(errors.UserError, match='holds 2 .npz files; name one.*a.npz, b.npz'):
    data.load('npz', data_dir=tmp_path)


def test_ids_are_no_classes(tmp_path):
  path = str(tmp_path / 'a.npz')
  images = np.zeros([2, 4, 4], np.uint8)
  np.savez(path, x_train=images, y_train=[0, 20231201], x_test=images, y_test=[0, 1])
  with pytest.raises(errors.UserError, match='whole numbers below 100,000; received 20231201'):
    data.load('npz', data_dir=path)
