"""Training batches are a function of (seed, step); evaluation counts each example once."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest
import tensorflow as tf

from tests.data import data_config
from tests.data import small_set
from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data import source as source_lib
from tfp_glow.data.batches import _shuffled_indices  # pylint: disable=protected-access

_NUM_TEST = small_set.NUM_TEST


@pytest.fixture(scope='module', params=['memory', 'records'])
def source(request, small):
  """A small data set, once from memory and once as one that is too large for it."""
  with pytest.MonkeyPatch.context() as patch:
    if request.param == 'records':
      patch.setattr(source_lib, '_MEMORY_LIMIT', 0)
    yield data.load(data_config.dataset_config(small, shift=2, flip=True))


def _take(source, count, **kwargs):
  kwargs = {'batch_size': 6, 'seed': 3, **kwargs}
  return list(data.train_batches(source, **kwargs).take(count).as_numpy_iterator())


def _assert_equal(first, second):
  assert len(first) == len(second)
  for a, b in zip(first, second):
    np.testing.assert_array_equal(a['image'], b['image'])
    np.testing.assert_array_equal(a['label'], b['label'])


def _keys(taken):
  return [image.tobytes() for batch in taken for image in batch['image']]


def test_shapes_and_dtypes(source):
  spec = data.train_batches(source, batch_size=6, seed=0).element_spec
  assert spec == {'image': tf.TensorSpec([6, 8, 8, 1], tf.uint8),
                  'label': tf.TensorSpec([6], tf.int32)}
  spec = data.eval_batches(source, batch_size=6).element_spec
  assert spec == {'image': tf.TensorSpec([6, 8, 8, 1], tf.uint8),
                  'label': tf.TensorSpec([6], tf.int32), 'index': tf.TensorSpec([6], tf.int64),
                  'mask': tf.TensorSpec([6], tf.float32)}


def test_nothing_is_tuned_in_a_thread_that_a_run_would_wait_for_at_its_end(source):
  for dataset in (data.train_batches(source, batch_size=6, seed=0), source.records('train'),
                  data.eval_batches(source, batch_size=6)):
    assert dataset.options().autotune.enabled is False


@pytest.mark.parametrize('start', [1, 74, 75, 77])
def test_resumes_exactly(source, start):
  """450 examples in batches of 6: step 75 starts the second epoch."""
  whole = _take(source, 79)
  _assert_equal(whole[start:], _take(source, 79 - start, start_step=start))


def test_resumes_exactly_where_epochs_do_not_end_with_a_batch(source):
  whole = _take(source, 48, batch_size=19)
  _assert_equal(whole[46:], _take(source, 2, batch_size=19, start_step=46))


def test_an_epoch_has_each_example_once_in_another_order(source):
  taken = _keys(_take(source, 150, augment=False))
  first, second = taken[:450], taken[450:]
  assert sorted(first) == sorted(second)
  assert first != second
  assert len(set(first)) == 450


def test_same_seed_same_stream_other_seed_other_order(source):
  first = _take(source, 3)
  tf.random.set_seed(12345)  # A global seed must not matter.
  _assert_equal(first, _take(source, 3))
  other = _take(source, 3, seed=4)
  assert any((a['label'] != b['label']).any() for a, b in zip(first, other))


@pytest.mark.parametrize('num_shards', [2, 3])
def test_shards_make_up_the_global_batch(source, num_shards):
  whole = _take(source, 77, start_step=1)
  shards = [_take(source, 77, start_step=1, shard_index=i, num_shards=num_shards)
            for i in range(num_shards)]
  joined = [{key: np.concatenate([shard[key] for shard in step]) for key in step[0]}
            for step in zip(*shards)]
  _assert_equal(whole, joined)


def test_augmentation_changes_images_but_not_their_order(source):
  plain, changed = _take(source, 2, augment=False), _take(source, 2)
  for a, b in zip(plain, changed):
    np.testing.assert_array_equal(a['label'], b['label'])
    assert (a['image'] != b['image']).any(axis=(1, 2, 3)).mean() > 0.5


@pytest.mark.parametrize('batch_size', [6, 10, 50, 52])
@pytest.mark.parametrize('num_shards', [1, 2])
def test_evaluation_counts_each_example_once(source, batch_size, num_shards):
  if batch_size % num_shards:
    pytest.skip('does not divide')
  seen, steps = [], set()
  for i in range(num_shards):
    taken = list(data.eval_batches(source, batch_size=batch_size, shard_index=i,
                                   num_shards=num_shards).as_numpy_iterator())
    steps.add(len(taken))
    for batch in taken:
      assert len(batch['image']) == batch_size // num_shards
      seen += [image.tobytes() for image, mask in zip(batch['image'], batch['mask']) if mask]
  assert steps == {-(-_NUM_TEST // batch_size)}
  assert len(seen) == _NUM_TEST
  expected = source.arrays('test')[0].numpy()
  assert sorted(seen) == sorted(image.tobytes() for image in expected)


def test_evaluation_order_is_fixed_and_joins_over_shards(source):
  whole = list(data.eval_batches(source, batch_size=12).as_numpy_iterator())
  shards = [list(data.eval_batches(source, batch_size=12, shard_index=i,
                                   num_shards=2).as_numpy_iterator()) for i in range(2)]
  for batch, *parts in zip(whole, *shards):
    for key, value in batch.items():
      np.testing.assert_array_equal(value, np.concatenate([part[key] for part in parts]))


@pytest.mark.parametrize('batch_size, num_shards', [(1, 1), (6, 2), (9, 3), (52, 4)])
def test_an_image_has_one_number_whatever_the_batches(source, batch_size, num_shards):
  expected = source.arrays('test')[0].numpy()
  found = {}
  for i in range(num_shards):
    for batch in data.eval_batches(source, batch_size=batch_size, shard_index=i,
                                   num_shards=num_shards).as_numpy_iterator():
      for image, index, mask in zip(batch['image'], batch['index'], batch['mask']):
        np.testing.assert_array_equal(image, expected[index])  # That of the padding too.
        if mask:
          assert found.setdefault(index, i) == i
  assert sorted(found) == list(range(_NUM_TEST))


@pytest.mark.parametrize('bad', [dict(batch_size=10, num_shards=3), dict(batch_size=0),
                                 dict(batch_size=4, shard_index=2, num_shards=2)])
def test_bad_batches_are_refused_in_one_line(source, bad):
  for make in (lambda: data.train_batches(source, seed=0, **bad),
               lambda: data.eval_batches(source, **bad)):
    with pytest.raises(errors.UserError) as error:
      make()
    assert '\n' not in str(error.value)


@hypothesis.settings(deadline=None, max_examples=50)
@hypothesis.given(st.integers(1, 300), st.integers(-2**63, 2**63 - 1), st.integers(0, 10**6))
def test_shuffled_indices_are_a_permutation_each_epoch(num, seed, epoch):
  positions = tf.range(epoch * num, (epoch + 1) * num, dtype=tf.int64)
  index = _shuffled_indices(positions, num, seed).numpy()
  assert sorted(index) == list(range(num))


def test_shuffled_indices_are_spread_evenly():
  """Each example comes to each quarter of an epoch about equally often."""
  num, epochs = 64, 400
  positions = tf.range(num * epochs, dtype=tf.int64)
  index = _shuffled_indices(positions, num, 7).numpy().reshape(epochs, num)
  quarter = np.zeros([num, 4])
  for column in range(num):
    quarter[:, column // 16] += np.bincount(index[:, column], minlength=num)
  # Binomial(400, 1/4) has a standard deviation of 8.7.
  assert np.abs(quarter - epochs / 4).max() < 5 * 8.7
