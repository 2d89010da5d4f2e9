"""photo_patches: colour patches, test photographs unseen in training."""

import numpy as np
import pytest

from tests.data import data_config
from tfp_glow import data


@pytest.fixture(scope='module')
def source():
  return data.load(data_config.dataset_config('photo_patches'))


def test_sizes(source):
  assert source.image_shape == (32, 32, 3)
  assert source.num_classes == 9
  assert source.num_examples('train') > 4000
  assert source.num_examples('test') > 800


def test_test_photographs_are_not_in_training(source):
  names = source.attribute_names
  train = {names[k] for k in source.arrays('train')[1].numpy()}
  test = {names[k] for k in source.arrays('test')[1].numpy()}
  assert test == {'chelsea', 'coffee'}
  assert len(train) == 7 and not train & test


def test_no_patch_is_in_both_splits(source):
  train, test = ({image.tobytes() for image in source.arrays(split)[0].numpy()}
                 for split in ('train', 'test'))
  assert not train & test
  assert len(test) == source.num_examples('test')


def test_patches_have_colour_and_contrast(source):
  images = source.arrays('train')[0].numpy().astype(float)
  assert images.std((1, 2, 3)).min() >= 2.
  assert (np.abs(images[..., 0] - images[..., 2]).mean((1, 2)) > 1.).mean() > 0.8


def test_prepared_anew_it_is_the_same(source, tmp_path):
  again = data.load(data_config.dataset_config('photo_patches', data_dir=str(tmp_path)))
  for split in ('train', 'test'):
    for first, second in zip(source.arrays(split), again.arrays(split)):
      np.testing.assert_array_equal(first, second)
