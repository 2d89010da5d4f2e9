"""Folders of the user's own images, prepared and read."""

import os

import numpy as np
from PIL import Image
import pytest

from tests.data import data_config
from tests.data.pictures import hard_files
from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data.folder import files as files_lib


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
  assert source.image_shape == (8, 8, 3) and source.attribute_names == ['cats', 'dogs']
  files = files_lib.FolderFiles.find(str(folder))
  assert (source.num_examples('train'), source.num_examples('test')) == (
      30 - files.num_test, files.num_test)
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


def test_a_folder_is_grey_where_all_its_pixels_are(tmp_path):
  for k in range(20):
    _save(str(tmp_path / f'{k}.png'), 8, 8, 'L', seed=k)
  grey = np.asarray(Image.open(tmp_path / '3.png'))
  Image.fromarray(grey).convert('RGB').save(tmp_path / '3.png')
  source = data.load(_config(tmp_path))
  assert source.image_shape == (8, 8, 1)
  assert grey.tobytes() in {
      image.tobytes() for split in source.splits for image in source.arrays(split)[0].numpy()}
  _save(str(tmp_path / '9.png'), 8, 8, 'RGB')
  assert data.load(_config(tmp_path)).image_shape == (8, 8, 3)


def test_examples_stand_in_the_order_of_the_files(tmp_path):
  for k in range(40):
    Image.new('L', (8, 8), k).save(tmp_path / f'{k}.png')
  (tmp_path / '7.png').write_bytes(b'')
  source = data.load(_config(tmp_path, skip_broken=True, validation_percent=20))
  files = files_lib.FolderFiles.find(str(tmp_path)).without(['7.png'])
  numbers = [int(path[:-4]) for path in files.paths]
  found = {split: source.arrays(split)[0].numpy()[:, 0, 0, 0].tolist() for split in source.splits}
  assert found['test'] == numbers[:files.num_test]
  assert sorted(found['train'] + found['validation']) == sorted(numbers[files.num_test:])
  assert found['validation'] == [number for number, rank in zip(
      numbers[files.num_test:], files.ranks()) if rank < .2]


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


def _spoil(folder, name):
  path = folder / 'cats' / name
  if name.startswith('dangling'):
    path.symlink_to('nowhere.png')
  elif name.startswith('cut'):
    _save(str(path))
    path.write_bytes(path.read_bytes()[:-400])
  else:
    path.write_bytes({'text': b'not a picture', 'empty': b'',
                      'header': b'\x89PNG\r\n\x1a\nbroken'}[name.split('.')[0]])


_SPOILT = ['text.png', 'text.JPG', 'empty.jpg', 'header.png', 'dangling.png', 'cut.png', 'cut.gif']


@pytest.mark.parametrize('name', _SPOILT)
@pytest.mark.parametrize('resize', ['center_crop', 'random_crop', 'none'])
def test_a_broken_file_is_named(folder, name, resize):
  if resize == 'none':
    for file in folder.glob('**/*.*'):
      file.unlink()
    for k in range(3):
      _save(str(folder / 'cats' / f'{k}.png'))
  _spoil(folder, name)
  size = 0 if resize == 'none' else 8
  _refused(_config(folder, resize=resize, image_size=size), f'cats/{name}')


def test_broken_files_are_left_out_and_counted(folder, capsys):
  for name in _SPOILT:
    _spoil(folder, name)
  for _ in range(2):  # As it is prepared, and as it is read again.
    source = data.load(_config(folder, skip_broken=True))
    assert sum(source.num_examples(split) for split in source.splits) == 30
    lines = [line for line in capsys.readouterr().err.splitlines() if 'left out' in line]
    assert len(lines) == 1 and '7 of 37 images' in lines[0] and 'cats/cut.gif' in lines[0]
  assert source.fingerprint['images'] == {
      split: source.num_examples(split) for split in ('train', 'test')}
  _refused(_config(folder), 'cats/')


@pytest.mark.parametrize('broken', [[0], [0, 1], [3], [2, 3], [0, 3]])
@pytest.mark.parametrize('num_below', [0, 1, 4])
def test_a_split_of_broken_files_takes_the_next_one(tmp_path, num_below, broken):
  names = [f'{k}.png' for k in range(200)]
  files = files_lib.FolderFiles('', tuple(sorted(names, key=files_lib._chance)))  # pylint: disable=protected-access
  first = files.num_below - num_below
  chosen = files.paths[first:first + 4]
  for path in chosen:
    _save(str(tmp_path / path))
  for k in broken:
    (tmp_path / chosen[k]).write_bytes(b'')
  source = data.load(_config(tmp_path, skip_broken=True))
  good = files_lib.FolderFiles(str(tmp_path), chosen).without([chosen[k] for k in broken])
  assert source.num_examples('test') == good.num_test
  assert source.num_examples('train') == len(good.paths) - good.num_test


def test_folders_whose_files_agree_in_names_sizes_and_dates_are_not_one(tmp_path):
  found = []
  for seed in range(2):
    for k in range(30):
      path = tmp_path / str(seed) / f'{k}.bmp'
      _save(str(path), 8, 8, seed=1000 * (seed and k > 20) + k)
      os.utime(path, (1, 1))
    found.append(np.concatenate([
        data.load(_config(tmp_path / str(seed))).arrays(split)[0] for split in ('test', 'train')]))
  assert (found[0] != found[1]).any((1, 2, 3)).sum() == 9


def test_other_contents_of_the_same_sizes_and_dates_are_read_anew(tmp_path):
  found = []
  for seed in range(2):
    for k in range(3):
      _save(str(tmp_path / f'{k}.bmp'), 8, 8, seed=10 * seed + k)
      os.utime(tmp_path / f'{k}.bmp', (1, 1))
    found.append(data.load(_config(tmp_path)).arrays('train')[0])
  assert (found[0] != found[1]).numpy().any()


def test_nothing_but_broken_files(tmp_path):
  for k in range(3):
    (tmp_path / f'{k}.png').write_bytes(b'')
  _refused(_config(tmp_path, skip_broken=True), str(tmp_path), 'can be read')
  _refused(_config(tmp_path, skip_broken=True, resize='none', image_size=0), 'can be read')


def test_all_kinds_show_what_they_show_elsewhere(tmp_path):
  """The hard files, prepared at their own size."""
  all_files = {**hard_files.served(), **hard_files.only_prepared()}
  wanted = {name: (file, pixels) for name, (file, pixels) in all_files.items()
            if pixels.shape[:2] == (hard_files.HEIGHT, hard_files.WIDTH)}
  assert len(wanted) > 50
  for name, (file, _) in wanted.items():
    (tmp_path / name).write_bytes(file)
  source = data.load(_config(tmp_path, image_size=0, resize='none'))
  files = files_lib.FolderFiles.find(str(tmp_path))
  found = np.concatenate([source.arrays(split)[0] for split in ('test', 'train')])
  for path, pixels in zip(files.paths, found):
    np.testing.assert_array_equal(pixels, wanted[path][1], err_msg=path)


def test_the_middle_of_a_larger_square(tmp_path):
  for k in range(5):
    _save(str(tmp_path / f'{k}.png'), 32, 50, seed=k)
  source = data.load(_config(tmp_path, crop_from=16))
  found = np.concatenate([source.arrays(split)[0] for split in ('test', 'train')])
  for path, image in zip(files_lib.FolderFiles.find(str(tmp_path)).paths, found):
    square = np.asarray(Image.open(tmp_path / path))[:, 9:41]
    exact = np.asarray(Image.fromarray(square).resize((16, 16), Image.BOX))[4:12, 4:12]
    assert np.abs(image - exact.astype(int)).max() <= 1


def test_a_wrong_suffix_does_not_matter(tmp_path):
  _save(str(tmp_path / 'a.bmp'), 8, 8)
  (tmp_path / 'b.png').write_bytes((tmp_path / 'a.bmp').read_bytes())
  source = data.load(_config(tmp_path))
  assert source.arrays('train')[0].numpy().tobytes() == source.arrays('test')[0].numpy().tobytes()


@pytest.mark.parametrize('name', ['br[1]ack', 'st*r?', 'sp ace', 'ümlaut', 'per%cent', "quo'te"])
def test_odd_names_of_folders(tmp_path, monkeypatch, name):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path / f'prepared {name}'))
  for k in range(4):
    _save(str(tmp_path / name / f'{name} {k}' / f'{name}.png'), seed=k)
  source = data.load(_config(tmp_path / name))
  assert source.attribute_names == [f'{name} {k}' for k in range(4)]
  assert sum(len(source.arrays(split)[0]) for split in source.splits) == 4


def test_names_of_any_bytes(tmp_path):
  for k, name in enumerate((b'line\nbreak', b'\xff\xfe', b'tab\t')):
    folder = os.path.join(os.fsencode(tmp_path), name)
    os.mkdir(folder)
    Image.new('L', (8, 8), k).save(os.fsdecode(os.path.join(folder, name + b'.png')))
  source = data.load(_config(tmp_path))
  assert source.attribute_names == ['line\\nbreak', 'tab\\t', '\\udcff\\udcfe']
  with open(os.path.join(os.fsencode(tmp_path), b'\xff\xfe', b'\xfe\n.png'), 'wb') as file:
    file.write(b'')
  _refused(_config(tmp_path), '\\udcfe\\n.png is an empty file')


def test_a_path_may_begin_with_the_home_folder(folder, monkeypatch):
  monkeypatch.setenv('HOME', str(folder.parent))
  source = data.load(_config(f'~/{folder.name}'))
  assert sum(source.num_examples(split) for split in source.splits) == 30


def test_a_strip_is_no_trap(tmp_path):
  Image.new('L', (900_000, 1)).save(tmp_path / 'strip.png')
  _save(str(tmp_path / 'other.png'))
  assert data.load(_config(tmp_path)).image_shape == (8, 8, 3)
  _refused(_config(tmp_path, resize='random_crop', crop_from=16), 'strip.png', 'too long a strip')


def test_a_picture_of_too_many_pixels_is_told_by_its_header(tmp_path):
  pixels = np.zeros([1, 3], np.uint8)
  (tmp_path / 'bomb.png').write_bytes(hard_files.png([pixels], 8, 2, size=(16_000, 16_000)))
  _save(str(tmp_path / 'other.png'))
  _refused(_config(tmp_path), 'bomb.png has 16000 x 16000 pixels', '100000000')


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
