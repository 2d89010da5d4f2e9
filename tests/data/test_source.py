"""Any TFDS image data set: splits, sizes, labels, and refusals."""

import io

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests.data import data_config
from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data import array_reader
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
  for builder in (GlowTestOnlyTrain, GlowTestValidation, GlowTestNoImage, GlowTestAll):
    builder(data_dir=prepared_dir).download_and_prepare()


class GlowTestAll(tfds.core.GeneratorBasedBuilder):
  """Labelled images in all three splits, with attributes."""
  VERSION = tfds.core.Version('1.2.3')

  def _info(self):
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(
        {'image': tfds.features.Image(shape=(8, 8, 3)), 'attributes': {
            'round': tf.bool, 'age': tf.int32, 'big': tf.bool}}))

  def _split_generators(self, dl_manager):
    return {name: self._generate_examples(count, k)
            for k, (name, count) in enumerate(dict(train=20, validation=7, test=5).items())}

  def _generate_examples(self, count, split):
    for k in range(count):
      yield k, {'image': np.full([8, 8, 3], 100 * split + k, np.uint8), 'attributes': {
          'round': k % 2 == 0, 'age': k, 'big': k > 9}}


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


def _keys(source, split):
  return [image.tobytes() for image in source.arrays(split)[0].numpy()]


@pytest.mark.parametrize('limit', [0, 2**30])
@pytest.mark.parametrize('percent, num', [(1, 5), (10, 45), (90, 405)])
def test_validation_is_taken_from_training_and_never_from_testing(
    monkeypatch, small, limit, percent, num):
  monkeypatch.setattr(source_lib, '_MEMORY_LIMIT', limit)
  plain, source = data.load(small), data.load(small, validation_percent=percent)
  assert plain.splits == ('train', 'test') and source.splits == ('train', 'test', 'validation')
  assert (source.num_examples('train'), source.num_examples('validation'),
          source.num_examples('test')) == (450 - num, num, 50)
  assert _keys(source, 'test') == _keys(plain, 'test')
  train, validation = _keys(source, 'train'), _keys(source, 'validation')
  assert sorted(train + validation) == sorted(_keys(plain, 'train'))
  (batch,) = data.eval_batches(source, split='validation', batch_size=num)
  assert [image.tobytes() for image in batch['image'].numpy()] == validation
  taken = data.train_batches(source, batch_size=len(train), seed=0, augment=False)
  assert sorted(image.tobytes() for image in next(iter(taken))['image'].numpy()) == sorted(train)


def test_validation_images_are_the_same_ones_each_time(small):
  ten, again, five = (data.load(small, validation_percent=percent) for percent in (10, 10, 5))
  assert _keys(ten, 'validation') == _keys(again, 'validation')
  assert set(_keys(five, 'validation')) < set(_keys(ten, 'validation'))
  # Taken by chance, not as a block of images that follow each other.
  numbers = np.flatnonzero(np.isin(_keys(data.load(small), 'train'), _keys(ten, 'validation')))
  assert numbers.max() - numbers.min() > 300


def test_a_validation_split_of_its_own_is_kept():
  for percent in (0, 10):
    source = data.load('glow_test_all', validation_percent=percent)
    assert set(source.splits) == {'train', 'validation', 'test'}
    assert [source.num_examples(split) for split in ('train', 'validation', 'test')] == [20, 7, 5]
    assert sorted(source.arrays('validation')[0].numpy()[:, 0, 0, 0]) == list(range(100, 107))


def test_without_a_validation_split_it_is_named():
  source = data.load('mnist5k')
  with pytest.raises(errors.UserError, match='dataset.validation_percent'):
    data.eval_batches(source, split='validation', batch_size=4)


def test_a_single_image_is_not_split():
  with pytest.raises(errors.UserError, match='validation_percent=50 leaves no image'):
    source_lib.ImageSource(array_reader.ArrayReader('one', {
        split: (np.zeros([1, 4, 4, 1], np.uint8), None) for split in ('train', 'test')}),
                           data_config.dataset_config(validation_percent=50))


def test_attributes_and_classes():
  source = data.load('glow_test_all')
  assert source.attribute_names == ['big', 'round'] and source.num_classes is None
  for example in source.records('train', attributes=True).as_numpy_iterator():
    value = tf.io.decode_png(example['image']).numpy()[0, 0, 0]
    np.testing.assert_array_equal(example['attributes'], [value > 9, value % 2 == 0])
  assert 'attributes' not in source.records('train').element_spec
  source = data.load('glow_test_validation')
  assert source.attribute_names == ['0', '1', '2']
  for example in source.records('train', attributes=True).as_numpy_iterator():
    np.testing.assert_array_equal(example['attributes'], np.eye(3)[example['label']])


def test_a_name_is_enough():
  source = data.load('mnist5k')
  assert source.image_shape == (28, 28, 1) and not source.flip
  assert data.load('mnist5k', image_size=32, resize='pad').image_shape == (32, 32, 1)
  with pytest.raises(TypeError, match="'imagesize'"):
    data.load('mnist5k', imagesize=32)


def test_a_config_of_an_earlier_version_has_the_defaults():
  old = data_config.dataset_config(shift=2)
  del old.validation_percent, old.skip_broken
  source = data.load(old)
  assert source.shift == 2 and source.splits == ('train', 'test')


def test_jpeg_files_are_decoded_as_everywhere():
  """TFDS' own decoder takes a faster transform and is off by some grey levels."""
  pixels = _image(3, 20, 30)
  file = tf.io.encode_jpeg(pixels).numpy()
  reader = data.load('glow_test_only_train', image_size=8, resize='center_crop')._reader  # pylint: disable=protected-access
  by_pillow = np.asarray(Image.open(io.BytesIO(file)))
  np.testing.assert_array_equal(reader.decode(file), by_pillow)
  np.testing.assert_array_equal(reader.decode(tf.io.encode_png(pixels)), pixels)


def test_fingerprint_names_the_data_set():
  assert data.load('glow_test_all').fingerprint == dict(
      kind='tfds', name='glow_test_all/1.2.3', images=dict(train=20, validation=7, test=5))


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
    ('mnist5k', {'validation_percent': 100}, 'validation_percent=100 must be from 0 to 90'),
    ('mnist5k', {'skip_broken': 'yes'}, "skip_broken='yes' must be bool"),
    ('mnist5k', {'image_size': '28'}, "image_size='28' must be int"),
    ('mnist:9.9.9', {}, 'cannot be opened'),
    ('a b', {}, 'cannot be opened'),
    ('', {}, 'cannot be opened'),
    ('huggingface:mnist', {}, 'of Hugging Face, are not read by name.*idx or npz.*folder'),
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
