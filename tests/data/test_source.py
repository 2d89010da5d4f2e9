"""Any TFDS image data set: splits, sizes, labels, and refusals."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.data import data_config
from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data import source as source_lib


def _image(k, height, width):
  return np.random.RandomState(k).randint(0, 256, (height, width, 3)).astype(np.uint8)


class GlowTestOnlyTrain(tfds.core.GeneratorBasedBuilder):
  """40 images of different sizes, no labels, no test split."""
  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(
        {'image': tfds.features.Image(), 'id': tfds.features.Text()}))

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples()}

  def _generate_examples(self):
    for k in range(40):
      yield k, {'image': _image(k, 20 + k % 5, 24), 'id': str(k)}


class GlowTestValidation(tfds.core.GeneratorBasedBuilder):
  """Labelled 8x8 images with a split named validation."""
  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(
        {'image': tfds.features.Image(shape=(8, 8, 3)),
         'label': tfds.features.ClassLabel(num_classes=3)}))

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples(20), 'validation': self._generate_examples(7)}

  def _generate_examples(self, count):
    for k in range(count):
      yield k, {'image': _image(k + 1000 * count, 8, 8), 'label': k % 3}


class GlowTestNoImage(tfds.core.GeneratorBasedBuilder):
  """Sounds instead of images."""
  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(
        {'sound': tfds.features.Text()}))

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples()}

  def _generate_examples(self):
    yield 0, {'sound': 'moo'}


@pytest.fixture(scope='module', autouse=True)
def prepared(prepared_dir):
  for builder in (GlowTestOnlyTrain, GlowTestValidation, GlowTestNoImage):
    builder(data_dir=prepared_dir).download_and_prepare()


def test_last_tenth_is_held_out_where_there_is_no_test_split():
  source = data.load(data_config.dataset_config('glow_test_only_train', image_size=16,
                                                resize='center_crop'))
  assert (source.num_examples('train'), source.num_examples('test')) == (36, 4)
  assert source.num_classes is None and source.image_shape == (16, 16, 3)
  images, labels = (np.concatenate([source.arrays(split)[k] for split in ('train', 'test')])
                    for k in (0, 1))
  assert len({image.tobytes() for image in images}) == 40
  assert not labels.any()


def test_validation_stands_for_test():
  source = data.load(data_config.dataset_config('glow_test_validation'))
  assert (source.num_examples('train'), source.num_examples('test')) == (20, 7)
  assert source.num_classes == 3 and source.image_shape == (8, 8, 3)
  expected = {_image(k + 7000, 8, 8).tobytes() for k in range(7)}
  assert {image.tobytes() for image in source.arrays('test')[0].numpy()} == expected


def test_a_batch_larger_than_the_data_set_spans_epochs():
  source = data.load(data_config.dataset_config('glow_test_validation'))
  (batch,) = data.train_batches(source, batch_size=45, seed=0).take(1)
  counts = np.unique(batch['image'].numpy().reshape(45, -1), axis=0, return_counts=True)[1]
  assert len(counts) == 20 and set(counts) == {2, 3}


def test_random_crop_is_a_function_of_seed_and_position():
  config = data_config.dataset_config('glow_test_only_train', image_size=8, resize='random_crop',
                                      crop_from=12)
  source = data.load(config)
  assert source.image_shape == (8, 8, 3) and not source.fits_memory('train')

  def take(**kwargs):
    return [batch['image'] for batch in
            data.train_batches(source, batch_size=6, seed=5, **kwargs).take(9).as_numpy_iterator()]

  whole = take()
  np.testing.assert_array_equal(whole[4:], take(start_step=4)[:5])
  half = take(shard_index=1, num_shards=2)
  np.testing.assert_array_equal([batch[3:] for batch in whole], half)
  assert len({image.tobytes() for batch in take()[:6] for image in batch}) == 36
  first, again = (next(iter(data.eval_batches(source, batch_size=4)))['image'] for _ in range(2))
  np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize('name, changes, words', [
    ('glow_test_nothing', {}, 'not a data set'),
    ('lsun/no_such_room', {}, 'cannot be opened'),
    ('glow_test_no_image', {}, 'image'),
    ('glow_test_only_train', {}, 'dataset.resize=center_crop'),
    ('glow_test_validation', {'image_size': 16}, '8x8'),
    ('mnist5k', {'resize': 'stretch'}, 'center_crop'),
    ('mnist5k', {'resize': 'pad'}, 'image_size'),
    ('mnist5k', {'resize': 'random_crop', 'image_size': 16, 'crop_from': 8}, 'crop_from'),
    ('mnist5k', {'shift': -1}, 'shift'),
])
def test_refusals_are_one_line(name, changes, words):
  with pytest.raises(errors.UserError, match=words) as error:
    data.load(data_config.dataset_config(name, **changes))
  assert '\n' not in str(error.value)


def test_padded_digits(monkeypatch):
  config = data_config.dataset_config(image_size=32, resize='pad')
  in_memory = data.load(config)
  images = in_memory.arrays('test')[0].numpy()
  assert images.shape == (500, 32, 32, 1) and not images[:, :2].any()
  monkeypatch.setattr(source_lib, '_MEMORY_LIMIT', 0)
  (batch,) = data.eval_batches(data.load(config), batch_size=500)
  np.testing.assert_array_equal(batch['image'], images)
