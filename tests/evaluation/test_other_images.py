"""Other images come at the model's size and with its channels."""

import copy
import types

import numpy as np
from PIL import Image
import pytest

from configs import base
from tfp_glow import data
from tfp_glow import errors
from tfp_glow import evaluation

_DATASET = base.defaults().dataset


def _own(*shape):
  return np.random.RandomState(0).randint(0, 256, [3, *shape], dtype=np.uint8)


def test_derived():
  images = _own(4, 4, 2)
  derived = {name: evaluation.load_others(name, _DATASET, images, 10) for name in evaluation.DERIVED}
  assert all(d.shape == images.shape and d.dtype == np.uint8 for d in derived.values())
  np.testing.assert_array_equal(derived['inverted'], 255 - images)
  np.testing.assert_array_equal(derived['dim'], images // 4)
  assert not derived['black'].any()
  np.testing.assert_array_equal(derived['constant'][1, 3, 2], np.round(images[1].mean((0, 1))))


@pytest.fixture(name='prepared', autouse=True)
def fixture_prepared(tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path / 'prepared'))


def _folder(tmp_path, num=30):
  for number in range(num):
    Image.fromarray(np.full([20, 30, 3], [200, 100, 8 * number], np.uint8)).save(
        tmp_path / f'{number}.png')
  return f'folder:{tmp_path}'


@pytest.mark.parametrize('shape', [(16, 16, 3), (16, 16, 1), (8, 16, 3)])
def test_a_folder_of_pictures_of_another_size(tmp_path, shape):
  name = _folder(tmp_path)
  others = evaluation.load_others(name, _DATASET, _own(*shape), 10)
  assert others.shape[1:] == shape and 1 <= len(others) <= 10
  if shape[-1] == 3:
    assert (others[..., 0] == 200).all() and (others[..., 1] == 100).all()
  else:
    blue = (others[..., 0] - .299 * 200 - .587 * 100) / .114
    assert (np.abs(blue - 8 * np.round(blue / 8)) < 4.5).all() and (blue > -5).all()


def test_channels(monkeypatch):
  grey = types.SimpleNamespace(channels=1, num_examples=lambda split: 2)

  def load(config):
    assert (config.name, config.image_size, config.resize) == ('others', 4, 'center_crop')
    assert not config.shift and not config.flip
    return grey

  def eval_batches(source, split, batch_size):
    del batch_size
    assert split == 'test'
    batch = dict(image=_own(4, 4, source.channels), mask=np.array([1., 1., 0.]))
    return types.SimpleNamespace(as_numpy_iterator=lambda: iter([batch]))

  monkeypatch.setattr(data, 'load', load)
  monkeypatch.setattr(data, 'eval_batches', eval_batches)
  found = evaluation.load_others('others', _DATASET, _own(4, 4, 3), 10)
  np.testing.assert_array_equal(found, _own(4, 4, 1)[:2].repeat(3, -1))
  assert len(evaluation.load_others('others', _DATASET, _own(4, 4, 1), 1)) == 1
  grey.channels = 4
  with pytest.raises(errors.UserError, match='others has images of 4 channels.*the model, 3;'):
    evaluation.load_others('others', _DATASET, _own(4, 4, 3), 10)


@pytest.mark.parametrize('own, name, wanted', [
    (('idx', 'own'), 'mnist5k', ('mnist5k', '')),
    (('idx/emnist', 'own'), 'mnist', ('mnist', '')),
    (('npz', 'own'), 'mnist5k', ('mnist5k', '')),
    (('folder', 'own'), 'mnist5k', ('mnist5k', '')),
    (('mnist', 'prepared'), 'mnist5k', ('mnist5k', 'prepared')),
    (('idx/a', 'own'), 'idx/b', ('idx/b', 'own')),
    (('idx', 'own'), 'folder:other', ('folder', 'other')),
    (('mnist', 'prepared'), 'idx:other:one', ('idx', 'other:one')),
    (('idx', 'own'), 'idx/b:other', ('idx/b', 'other')),
    (('mnist', 'prepared'), 'npz:other', ('npz', 'other'))], ids=str)
def test_others_are_not_looked_for_or_prepared_among_the_files_of_the_run(
    monkeypatch, own, name, wanted):
  config = base.defaults().dataset
  config.name, config.data_dir = own
  seen = []

  def load(config):
    seen.append((config.name, config.data_dir))
    raise errors.UserError('enough')

  monkeypatch.setattr(data, 'load', load)
  with pytest.raises(errors.UserError, match='enough'):
    evaluation.load_others(name, config, _own(4, 4, 1), 10)
  assert seen == [wanted]


def test_images_of_the_size_of_the_model_are_left_as_they_are(tmp_path):
  images = _own(28, 28)
  np.savez(tmp_path / 'a.npz', x_train=images, x_test=images[:2])
  others = evaluation.load_others(f'npz:{tmp_path}/a.npz', _DATASET, _own(28, 28, 1), 10)
  np.testing.assert_array_equal(others, images[:2, :, :, None])


def test_others_need_no_validation_images(tmp_path):
  images = _own(28, 28)
  np.savez(tmp_path / 'a.npz', x_train=images[:1], x_test=images[:2])
  config = copy.deepcopy(_DATASET)
  config.validation_percent = 10
  others = evaluation.load_others(f'npz:{tmp_path}/a.npz', config, _own(28, 28, 1), 10)
  np.testing.assert_array_equal(others, images[:2, :, :, None])


def test_unknown_data_set():
  with pytest.raises(errors.UserError, match="'no_such_set' is not a data set"):
    evaluation.load_others('no_such_set', _DATASET, _own(4, 4, 3), 10)


def test_pictures_of_the_size_of_a_model_that_is_not_square_are_left_as_they_are(tmp_path):
  """As the page leaves them."""
  pictures = np.random.RandomState(0).randint(0, 256, [20, 8, 16, 3], dtype=np.uint8)
  for number, picture in enumerate(pictures):
    Image.fromarray(picture).save(tmp_path / f'{number}.png')
  others = evaluation.load_others(f'folder:{tmp_path}', _DATASET, _own(8, 16, 3), 10)
  assert len(others) and all((pictures == other).all((1, 2, 3)).any() for other in others)
