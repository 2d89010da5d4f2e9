"""A folder of the user's own images."""

import os

import numpy as np
from PIL import Image
import pytest

from tests.data import data_config
from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data.folder import builder as folder_builder


def _save(path, height=20, width=24, mode='RGB', seed=0):
  os.makedirs(os.path.dirname(path), exist_ok=True)
  channels = len(Image.new(mode, (1, 1)).getbands())
  pixels = np.random.RandomState(seed).randint(0, 256, (height, width, channels))
  Image.fromarray(pixels.astype(np.uint8).squeeze(), mode).save(path)


def _config(folder, **changes):
  return data_config.dataset_config(
      'folder', data_dir=str(folder), **{'image_size': 8, 'resize': 'center_crop', **changes})


@pytest.fixture
def folder(tmp_path):
  """30 pictures of all kinds in two subfolders, and things that are not pictures."""
  kinds = [('png', 'RGB'), ('jpg', 'RGB'), ('jpeg', 'L'), ('bmp', 'RGB'), ('gif', 'L'),
           ('PNG', 'RGBA')]
  for k in range(30):
    suffix, mode = kinds[k % len(kinds)]
    _save(str(tmp_path / ('cats' if k < 20 else 'dogs/small') / f'{k}.{suffix}'), 20 + k % 3, 24,
          mode, seed=k)
  (tmp_path / 'notes.txt').write_text('not a picture')
  (tmp_path / '.hidden.png').write_text('not a picture')
  return tmp_path


def test_reads_all_kinds_with_subfolders_as_labels(folder):
  source = data.load(_config(folder))
  assert source.image_shape == (8, 8, 3) and source.num_classes == 2
  assert (source.num_examples('train'), source.num_examples('test')) == (27, 3)
  labels = np.concatenate([source.arrays(split)[1] for split in ('train', 'test')])
  np.testing.assert_array_equal(np.bincount(labels), [20, 10])


def test_images_beside_subfolders_have_no_labels(folder):
  _save(str(folder / 'loose.png'))
  assert data.load(_config(folder)).num_classes is None


def test_pixels_are_those_of_the_files(tmp_path):
  for k in range(10):
    _save(str(tmp_path / f'{k}.png'), 8, 8, seed=k)
  source = data.load(_config(tmp_path, image_size=0, resize='none'))
  read = {image.tobytes() for split in ('train', 'test')
          for image in source.arrays(split)[0].numpy()}
  assert read == {np.asarray(Image.open(tmp_path / f'{k}.png')).tobytes() for k in range(10)}


def test_grey_pictures_have_one_channel(tmp_path):
  for k in range(4):
    _save(str(tmp_path / f'{k}.png'), mode='L', seed=k)
  assert data.load(_config(tmp_path)).image_shape == (8, 8, 1)


def test_split_is_deterministic_and_stays_when_images_come(folder):
  def test_images():
    return {image.tobytes() for image in data.load(_config(folder)).arrays('test')[0].numpy()}
  before = test_images()
  assert before == test_images()
  for k in range(10):
    _save(str(folder / 'cats' / f'new{k}.png'), seed=100 + k)
  after = test_images()
  assert len(after) == 4 and before & after


def test_a_changed_folder_is_read_anew(folder):
  first = data.load(_config(folder))
  os.remove(folder / 'cats' / '0.png')
  second = data.load(_config(folder))
  assert first.num_examples('train') + first.num_examples('test') == 30
  assert second.num_examples('train') + second.num_examples('test') == 29


def test_random_crops(folder):
  source = data.load(_config(folder, resize='random_crop', crop_from=12))
  (batch,) = data.train_batches(source, batch_size=27, seed=0).take(1)
  assert batch['image'].shape == (27, 8, 8, 3)


def _refused(config, *words):
  with pytest.raises(errors.UserError) as error:
    data.load(config)
  message = str(error.value)
  assert '\n' not in message
  for word in words:
    assert word in message


@pytest.mark.parametrize('content', [b'not a picture', b'', b'\x89PNG\r\n\x1a\nbroken'])
@pytest.mark.parametrize('name', ['aaa.png', 'zzz.jpg'])
def test_a_broken_file_is_named(folder, content, name):
  (folder / 'cats' / name).write_bytes(content)
  _refused(_config(folder), name)


def test_a_truncated_file_is_named(folder):
  path = folder / 'cats' / 'cut.png'
  _save(str(path))
  path.write_bytes(path.read_bytes()[:-400])
  _refused(_config(folder), 'cut.png')


def test_missing_folder(tmp_path):
  _refused(_config(tmp_path / 'nowhere'), 'nowhere')


def test_no_folder_named():
  _refused(_config(''), 'dataset.data_dir')


def test_empty_folder(tmp_path):
  (tmp_path / 'notes.txt').write_text('')
  _refused(_config(tmp_path), str(tmp_path), '0 images', '.png')


def test_one_image_is_too_few(tmp_path):
  _save(str(tmp_path / 'one.png'))
  _refused(_config(tmp_path), '1 images')


def test_different_sizes_without_resizing_name_the_file(folder):
  _refused(_config(folder, image_size=0, resize='none'), 'center_crop', str(folder))


def test_files_that_are_no_images_are_passed_over(folder):
  assert len(folder_builder.find_images(str(folder))) == 30
