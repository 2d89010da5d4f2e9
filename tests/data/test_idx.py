"""The IDX files of MNIST and its siblings."""

import gzip
import os
import struct

import numpy as np
import pytest

from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data import idx

_FASHION = '/usr/share/datasets/fashion-mnist'  # Of Debian's package dataset-fashion-mnist.


def idx_bytes(array, code=0x08):
  header = bytes([0, 0, code, array.ndim]) + struct.pack(f'>{array.ndim}I', *array.shape)
  return header + array.tobytes()


def _arrays(seed=0, num=10):
  random = np.random.RandomState(seed)
  return (random.randint(0, 256, [num, 7, 5]).astype(np.uint8),
          np.arange(num, dtype=np.uint8) % 4)


def _write(folder, pattern='{split}-{what}-idx{n}-ubyte', test='t10k', labels=True):
  for split, seed in (('train', 0), (test, 1)):
    pixels, numbers = _arrays(seed, 10 if split == 'train' else 6)
    for what, n, array in (('images', 3, pixels), *([('labels', 1, numbers)] if labels else ())):
      name = pattern.format(split=split, what=what, n=n)
      write = gzip.open if name.endswith('.gz') else open
      with write(folder / name, 'wb') as file:
        file.write(idx_bytes(array))


@pytest.mark.parametrize('pattern, test', [
    ('{split}-{what}-idx{n}-ubyte', 't10k'),
    ('{split}-{what}-idx{n}-ubyte.gz', 't10k'),
    ('{split}-{what}.idx{n}-ubyte', 't10k'),
    ('qmnist-{split}-{what}-idx{n}-ubyte.gz', 'test'),
    ('Train_{split}-{what}-IDX{n}-UBYTE', 'test'),
])
def test_official_splits_and_labels(tmp_path, pattern, test):
  _write(tmp_path, pattern, test)
  source = data.load('idx', data_dir=str(tmp_path))
  assert source.image_shape == (7, 5, 1) and source.num_classes == 4
  assert source.attribute_names == ['0', '1', '2', '3']
  for split, seed, num in (('train', 0, 10), ('test', 1, 6)):
    pixels, labels = _arrays(seed, num)
    np.testing.assert_array_equal(source.arrays(split)[0][..., 0], pixels)
    np.testing.assert_array_equal(source.arrays(split)[1], labels)


def test_batches_records_and_validation(tmp_path):
  _write(tmp_path)
  source = data.load('idx', data_dir=str(tmp_path), validation_percent=20, image_size=8,
                     resize='pad')
  assert [source.num_examples(split) for split in ('train', 'validation', 'test')] == [8, 2, 6]
  (batch,) = data.eval_batches(source, split='validation', batch_size=2)
  assert batch['image'].shape == (2, 8, 8, 1)
  known = {image.tobytes() for image in _arrays()[0]}
  for split in ('train', 'validation'):
    for example in source.records(split, attributes=True).as_numpy_iterator():
      assert example['image'].tobytes() in known
      np.testing.assert_array_equal(example['attributes'], np.eye(4)[example['label']])
  random = data.load('idx', data_dir=str(tmp_path), image_size=4, resize='random_crop')
  batch = next(iter(data.train_batches(random, batch_size=3, seed=0)))
  assert batch['image'].shape == (3, 4, 4, 1)


def test_without_labels(tmp_path):
  _write(tmp_path, labels=False)
  source = data.load('idx', data_dir=str(tmp_path))
  assert source.num_classes is None and not source.arrays('train')[1].numpy().any()


def test_emnist_is_put_upright_and_chosen_by_name(tmp_path):
  for name in ('letters', 'digits'):
    _write(tmp_path, f'emnist-{name}-' + '{split}-{what}-idx{n}-ubyte.gz', 'test')
  with pytest.raises(errors.UserError, match='idx/emnist-digits, dataset.name=idx/emnist-letters'):
    data.load('idx', data_dir=str(tmp_path))
  source = data.load('idx/emnist-letters', data_dir=str(tmp_path))
  np.testing.assert_array_equal(source.arrays('train')[0][..., 0], _arrays()[0].swapaxes(1, 2))
  with pytest.raises(errors.UserError, match='one must be chosen: dataset.name=idx/emnist-digits'):
    data.load('idx/emnist', data_dir=str(tmp_path))


def test_labels_of_several_columns(tmp_path):
  _write(tmp_path)
  labels = np.stack([np.arange(10) % 3, np.arange(10)], 1).astype('>i4')
  (tmp_path / 'train-labels-idx1-ubyte').write_bytes(idx_bytes(labels, 0x0C))
  np.testing.assert_array_equal(
      data.load('idx', data_dir=str(tmp_path)).arrays('train')[1], labels[:, 0])


@pytest.mark.parametrize('code, dtype', [(0x09, '>i1'), (0x0B, '>i2'), (0x0D, '>f4'),
                                         (0x0E, '>f8')])
def test_other_types_are_read(tmp_path, code, dtype):
  array = np.arange(-3, 3).reshape(2, 3).astype(dtype)
  (tmp_path / 'x').write_bytes(idx_bytes(array, code))
  np.testing.assert_array_equal(idx.read_file(str(tmp_path / 'x')), array)


@pytest.mark.parametrize('spoil, words', [
    (lambda data: data[:-1], 'is damaged'),
    (lambda data: data + b'x', 'is damaged'),
    (lambda data: data[:9], 'is damaged'),
    (lambda data: b'', 'is no IDX file'),
    (lambda data: b'\x89PNG', 'is no IDX file'),
    (lambda data: gzip.compress(data)[:-12], 'cannot be read'),
    (lambda data: b'\x1f\x8b\x08nothing', 'cannot be read'),
    (lambda data: idx_bytes(np.zeros([10, 7], np.uint8)), 'holds no 8-bit images'),
    (lambda data: idx_bytes(np.zeros([10, 7, 5], '>f4'), 0x0D), 'holds no 8-bit images'),
    (lambda data: idx_bytes(np.zeros([0, 7, 5], np.uint8)), 'holds no 8-bit images'),
    (lambda data: idx_bytes(np.zeros([9, 7, 5], np.uint8)), 'holds no labels for 9 images'),
    (lambda data: idx_bytes(np.zeros([10, 5, 7], np.uint8)), 'of one size'),
])
def test_what_is_wrong_with_a_file_is_one_line(tmp_path, spoil, words):
  _write(tmp_path)
  path = tmp_path / 'train-images-idx3-ubyte'
  path.write_bytes(spoil(path.read_bytes()))
  with pytest.raises(errors.UserError, match=words) as error:
    data.load('idx', data_dir=str(tmp_path))
  assert str(tmp_path) in str(error.value) and '\n' not in str(error.value)


def test_missing_files_are_named(tmp_path):
  for folder, words in (('', 'needs dataset.data_dir'), (str(tmp_path / 'no'), 'No such file'),
                        (str(tmp_path), 'holds no IDX files; names such as train-images-idx3')):
    with pytest.raises(errors.UserError, match=words):
      data.load('idx', data_dir=folder)
  _write(tmp_path)
  (tmp_path / 't10k-images-idx3-ubyte').unlink()
  with pytest.raises(errors.UserError, match='no IDX file of test images'):
    data.load('idx', data_dir=str(tmp_path))


def test_fingerprint_is_of_the_contents(tmp_path):
  _write(tmp_path)
  first = data.load('idx', data_dir=str(tmp_path)).fingerprint
  path = tmp_path / 'train-images-idx3-ubyte'
  with gzip.open(f'{path}.gz', 'wb') as file:
    file.write(path.read_bytes())
  content = bytearray(path.read_bytes())
  path.unlink()
  assert data.load('idx', data_dir=str(tmp_path)).fingerprint == first
  content[-1] ^= 1
  path.write_bytes(content)
  assert data.load('idx', data_dir=str(tmp_path)).fingerprint != first


def test_fashion_mnist(tmp_path):
  """The real files where they are installed, else files of their names and sizes."""
  folder = _FASHION
  if not os.path.isdir(folder):
    folder = str(tmp_path)
    for name, num in (('train', 60_000), ('t10k', 10_000)):
      for what, n, shape in (('images', 3, (num, 28, 28)), ('labels', 1, (num,))):
        with gzip.open(tmp_path / f'{name}-{what}-idx{n}-ubyte.gz', 'wb', 1) as file:
          file.write(idx_bytes(np.broadcast_to(np.uint8(9), shape).copy()))
  source = data.load('idx', data_dir=folder)
  assert source.image_shape == (28, 28, 1) and source.num_classes == 10
  assert (source.num_examples('train'), source.num_examples('test')) == (60_000, 10_000)
  if folder == _FASHION:
    images, labels = source.arrays('test')
    np.testing.assert_array_equal(np.bincount(labels), [1000] * 10)
    np.testing.assert_array_equal(labels[:5], [9, 2, 1, 1, 6])
    # Trousers have a gap between two legs at the bottom; shirts do not.
    means = [images.numpy()[labels == k].mean(0)[..., 0] for k in range(10)]
    assert means[1][24, 13:15].mean() < means[1][24, 10:18].max() / 2
    assert means[6][20, 13:15].mean() > 50
