"""Picture files of every kind as images of the model's size."""

import base64
import functools
import struct
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.data.pictures import hard_files
from tests.serving import tiny
from tfp_glow import data
from tfp_glow.data import images
from tfp_glow.data.folder import files as files_lib
from tfp_glow.demo import upload
from tfp_glow.evaluation import other_images
from tfp_glow.serving import picture_files


def dataset_config(resize='none', image_size=0, crop_from=0):
  return types.SimpleNamespace(resize=resize, image_size=image_size, crop_from=crop_from)


@functools.cache
def _decoder(shape, resize, image_size, crop_from):
  config = dataset_config(resize, image_size, crop_from)
  return tf.function(
      lambda files: picture_files.decode_files(files, shape, config),
      input_signature=[tf.TensorSpec([None], tf.string)])


def decode(files, shape, config=dataset_config()):
  decoder = _decoder(shape, config.resize, config.image_size, config.crop_from)
  return decoder(tf.constant(files)).numpy()


@pytest.mark.parametrize('channels', [1, 3])
def test_png_gives_every_value_back(channels):
  pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1).repeat(channels, -1)
  pixels[..., -1:] = pixels[:, ::-1, :, -1:] if channels == 3 else pixels[..., -1:]
  files = [tf.io.encode_png(image).numpy() for image in pixels]
  np.testing.assert_array_equal(decode(files, (8, 8, channels)), pixels)


def test_jpeg_comes_near():
  image = np.full([8, 8, 3], (200, 100, 50), np.uint8)
  file = tf.io.encode_jpeg(image, quality=95).numpy()
  assert np.abs(np.int32(decode([file], (8, 8, 3))[0]) - image).max() <= 4


def test_colour_becomes_grey():
  image = np.zeros([8, 8, 3], np.uint8)
  image[0, [0, 1, 2], [0, 1, 2]] = 255
  grey = decode([tf.io.encode_png(image).numpy()], (8, 8, 1))
  np.testing.assert_array_equal(grey[0, 0, :4, 0], [76, 150, 29, 0])


@pytest.mark.parametrize('resize', ['center_crop', 'random_crop'])
def test_files_of_any_size_are_cut_around_the_centre(resize):
  image = np.zeros([16, 32, 3], np.uint8)
  image[:, 8:24] = 255
  small = tiny.make_images(1, shape=(8, 8, 3))[0]
  files = [tf.io.encode_png(x).numpy() for x in (image, small)]
  decoded = decode(files, (8, 8, 3), dataset_config(resize, 8))
  np.testing.assert_array_equal(decoded[0], np.full([8, 8, 3], 255))
  np.testing.assert_array_equal(decoded[1], small)


@pytest.mark.parametrize('resize, shape, crop_from', [
    ('center_crop', (8, 8, 3), 12), ('center_crop', (8, 8, 1), 0), ('random_crop', (8, 8, 3), 12)])
def test_a_file_has_the_same_pixels_wherever_it_is_read(
    tmp_path, monkeypatch, resize, shape, crop_from):
  """As training's folder, as a request, on the page and as other images of an evaluation."""
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path / 'prepared'))
  config = types.SimpleNamespace(**{
      **data.defaults(), 'resize': resize, 'image_size': 8, 'crop_from': crop_from})
  hard = hard_files.served()
  (tmp_path / 'mine').mkdir()
  for name, (file, _) in hard.items():
    (tmp_path / 'mine' / name).write_bytes(file)
  config.name, config.data_dir = 'folder', str(tmp_path / 'mine')
  source = data.load(config)
  paths = files_lib.FolderFiles.find(config.data_dir).paths
  trained_on = np.concatenate([source.arrays(split)[0] for split in ('test', 'train')])
  if shape[-1] == 1:
    trained_on = images.to_grey(trained_on).numpy()
  served = decode([hard[path][0] for path in paths], shape, config)
  for path, expected, image in zip(paths, trained_on, served):
    np.testing.assert_array_equal(image, expected, err_msg=path)
    text = base64.b64encode(hard[path][0]).decode()
    np.testing.assert_array_equal(upload.read_picture(text, shape, config), expected, err_msg=path)
  others = other_images.load_others(
      f'folder:{config.data_dir}', config, np.zeros([1, *shape], np.uint8), 1000)
  np.testing.assert_array_equal(others, trained_on[:len(others)])


def test_without_resizing_the_size_must_fit():
  good, bad = (tf.io.encode_png(np.zeros(shape, np.uint8)).numpy()
               for shape in ([8, 8, 1], [5, 6, 1]))
  with pytest.raises(tf.errors.InvalidArgumentError, match=(
      r'image_bytes must be picture files; received\] \[file 1 has 5 x 6 pixels .* takes pictures '
      'of 8 x 8')):
    decode([good, bad], (8, 8, 1))


@pytest.mark.parametrize('name', hard_files.broken())
def test_a_broken_file_is_named_by_its_place(name):
  good = hard_files.served()['by hand.png'][0]
  file, words = hard_files.broken()[name]
  with pytest.raises(tf.errors.InvalidArgumentError, match=rf'\[file 2 .*{words}'):
    decode([good, good, file, file], (8, 8, 3), dataset_config('center_crop', 8))


def test_what_a_server_does_not_decode_is_named():
  for name, (file, _) in hard_files.only_prepared().items():
    with pytest.raises(tf.errors.InvalidArgumentError, match='file 0 .*save it as PNG'):
      decode([file], (8, 8, 3), dataset_config('center_crop', 8))
      pytest.fail(name)


def _black(height, width):
  """A PNG file of a few kilobytes."""
  return hard_files.png(np.zeros([height, -(-width // 8)], np.uint8), 1, 0)


def _claims(kind, height, width):
  """A small file whose header speaks of another size."""
  if kind == 'PNG':
    return hard_files.png([np.zeros([1], np.uint8)], 1, 0, size=(width, height))
  file = bytearray(hard_files.encode(hard_files.COLOURS, kind))
  if kind == 'JPEG':
    place = file.index(b'\xff\xc0') + 5
    file[place:place + 4] = struct.pack('>HH', height, width)
  elif kind == 'GIF':
    file[6:10] = struct.pack('<HH', width, height)
  else:
    file[18:26] = struct.pack('<ii', width, height)
  return bytes(file)


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF', 'BMP'])
@pytest.mark.parametrize('size', [(4001, 4000), (16_000, 16_000), (60_000, 60_000)])
def test_a_picture_of_too_many_pixels_is_told_by_its_header(kind, size):
  size = min(size, (20_000, 20_000)) if kind == 'JPEG' else size
  words = rf'file 0 has {size[0]} x {size[1]} pixels .* at most 16000000'
  with pytest.raises(tf.errors.InvalidArgumentError, match=words):
    decode([_claims(kind, *size)], (8, 8, 3), dataset_config('center_crop', 8))


def test_sizes_that_would_overflow():
  file = _claims('PNG', 2**32 - 1, 2**32 - 1)
  with pytest.raises(tf.errors.InvalidArgumentError, match='file 0 has 4294967295 x 4294967295'):
    decode([file] * 3, (8, 8, 3), dataset_config('center_crop', 8))


def test_the_pixels_of_a_request_are_bounded():
  config = dataset_config('center_crop', 8)
  large = _black(4000, 4000)
  with pytest.raises(tf.errors.InvalidArgumentError, match=(
      'file 4 has, with the files before it, more than the 64000000 pixels')):
    decode([large] * 5, (8, 8, 3), config)
  small = hard_files.served()['by hand.png'][0]
  assert decode([_black(1000, 1000), small], (8, 8, 3), config).shape == (2, 8, 8, 3)


def test_a_jpeg_of_many_scans_is_refused():
  """Each scan costs a pass over all pixels: 90 kB took 20 s."""
  file = hard_files.encode(np.full([64, 64], 128, np.uint8), 'JPEG', progressive=True)
  last = file[file.rindex(b'\xff\xda'):-2]
  config = dataset_config('center_crop', 8)
  assert decode([file[:-2] + 10 * last + b'\xff\xd9'], (8, 8, 1), config).shape == (1, 8, 8, 1)
  with pytest.raises(tf.errors.InvalidArgumentError, match='too many scans'):
    decode([file[:-2] + 100 * last + b'\xff\xd9'], (8, 8, 1), config)


def test_only_grey_and_colour_images_can_be_files():
  assert [picture_files.can_decode((8, 8, channels)) for channels in (1, 2, 3, 4)] == [
      True, False, True, False]
