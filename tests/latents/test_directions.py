"""direction = mean latent with an attribute - mean latent without."""

import numpy as np
import pytest

from configs import base
from tests.latents import fakes
from tfp_glow import latents


@pytest.fixture(name='means')
def fixture_means():
  """Of 30 latents in 3 batches; the third attribute is one that no image has."""
  random = np.random.RandomState(0)
  values = random.randn(30, fakes.SIZE).astype(np.float32)
  flags = np.concatenate([random.randint(0, 2, [30, 2]), np.zeros([30, 1])], -1)
  means = latents.LatentMeans(3, fakes.SIZE)
  for i in range(0, 30, 13):
    means.add(values[i:i + 13], flags[i:i + 13])
  return means, values, flags.astype(bool)


def test_means_over_batches_are_those_of_all(means):
  means, values, flags = means
  np.testing.assert_array_equal(means.counts, flags.sum(0))
  with_it, without = values[flags[:, 0]], values[~flags[:, 0]]
  np.testing.assert_allclose(means.versus_rest(0), with_it.mean(0) - without.mean(0), atol=1e-6)
  np.testing.assert_allclose(
      means.between(0, 1), values[flags[:, 1]].mean(0) - with_it.mean(0), atol=1e-6)


def test_directions_by_name(means):
  means, _, _ = means
  names = ['a', 'b', 'nothing']
  directions = latents.find_directions(means, names)
  assert list(directions) == ['a', 'b', 'a->b']
  np.testing.assert_array_equal(directions['a->b'], means.between(0, 1))
  wanted = latents.find_directions(means, names, ['b', 'b -> a'])
  assert list(wanted) == ['b', 'b -> a']
  np.testing.assert_array_equal(wanted['b -> a'], -means.between(0, 1))


@pytest.mark.parametrize('name, message', [
    ('c', r"direction 'c' is not known; .* a, b, nothing, or two of them as in a->nothing"),
    ('a->b->a', 'is not known'), ('nothing', 'no direction: 0 images have it'),
    ('a->nothing', 'no image has it')])
def test_unknown_directions(means, name, message):
  with pytest.raises(ValueError, match=message):
    latents.find_directions(means[0], ['a', 'b', 'nothing'], [name])


def test_all_training_images_with_their_attributes(tmp_path):
  config = base.defaults().dataset
  source = fakes.faces(str(tmp_path), config)
  names = source.attribute_names
  assert names == ['hat', 'smiling']
  batches = latents.labelled_batches(source, 10)
  means = latents.measure_means(fakes.Model(), batches, len(names))
  assert means.num_images == 25
  np.testing.assert_array_equal(means.counts, [5, 13])
  smiling = np.arange(25) % 2 == 0
  expected = (5 * np.arange(25)[smiling].mean() - 5 * np.arange(25)[~smiling].mean()) / 255.
  np.testing.assert_allclose(means.versus_rest(1), np.full([fakes.SIZE], expected), atol=1e-5)


def test_directions_come_back_from_a_file(tmp_path):
  path = str(tmp_path / 'new' / 'directions.npz')
  directions = {'a->b': np.ones([5], np.float32), 'größer': np.zeros([5], np.float32)}
  latents.save_directions(path, directions)
  loaded = latents.load_directions(path)
  assert list(loaded) == ['a->b', 'größer']
  np.testing.assert_array_equal(loaded['a->b'], directions['a->b'])


class Opened:
  """Leaves a trace where it is unpickled."""

  count = 0

  def __reduce__(self):
    return (_open, ())


def _open():
  Opened.count += 1
  return 0


def test_nothing_is_unpickled(tmp_path):
  path = str(tmp_path / 'directions.npz')
  np.savez(path, names=np.array(['a']), vectors=np.array([[Opened()]], dtype=object))
  with pytest.raises(ValueError, match='holds no directions'):
    latents.load_directions(path)
  assert not Opened.count


@pytest.mark.parametrize('arrays', [
    dict(other=np.zeros([3])), dict(names=np.array(['a', 'b']), vectors=np.zeros([1, 3]))])
def test_other_files_are_refused(tmp_path, arrays):
  path = str(tmp_path / 'directions.npz')
  np.savez(path, **arrays)
  with pytest.raises(ValueError, match='holds no directions'):
    latents.load_directions(path)
