"""Decodes picture files in the graph, so that a server sees the pixels that training saw."""

import tensorflow as tf

from tfp_glow.data.pictures import bmp
from tfp_glow.data.pictures import exif
from tfp_glow.data.pictures import gif
from tfp_glow.data.pictures import kinds
from tfp_glow.data.pictures import octets
from tfp_glow.data.pictures import opacity

__all__ = ['decode_all', 'sizes_of']

_SCANS = 64  # A JPEG may have so many scans, and one more for each 32 KiB: each costs a pass.


# Each of these returns (size, int64 Tensor [2]: height and width by the file's header; what is
# wrong with its kind, a string scalar, empty if nothing is; a function that decodes it).


def _png(file):
  def decode():
    orientation, has_transparency = exif.png_chunks(file)
    # Of the colour types, 4 and 6 carry opacity. The decoder is asked for it only then, since
    # it adds a wrong one to grey pictures of fewer than 8 bits.
    has_opacity = has_transparency | tf.reduce_any(tf.equal(file.unsigned(25, 1), [4, 6]))
    image = tf.cond(has_opacity,
                    lambda: opacity.over_white(tf.io.decode_png(file.contents, channels=4)),
                    lambda: tf.io.decode_png(file.contents, channels=3))
    return exif.turn(image, orientation)

  size = tf.stack([file.unsigned(20, 4, big=True), file.unsigned(16, 4, big=True)])
  return size, '', decode


def _jpeg(file):
  def decode():
    # What TensorFlow takes by default is off by up to 6 grey levels.
    image = tf.io.decode_jpeg(
        file.contents, channels=3, dct_method='INTEGER_ACCURATE', fancy_upscaling=True)
    return exif.turn(image, exif.jpeg_orientation(file))

  has_many_scans = file.count(b'\xff\xda') > _SCANS + file.size // 2**15
  problem = tf.where(has_many_scans, 'is a JPEG file of too many scans', '')
  # The decoder's own parser: no second one can take another header for the picture's.
  size = tf.cast(tf.io.extract_jpeg_shape(file.contents)[:2], tf.int64)
  return size, problem, decode


def _gif(file):
  frame = gif.find_frame(file)
  return frame.screen, '', lambda: gif.decode(file, frame)


def _bmp(file):
  header = bmp.read_header(file)
  problem = tf.where(header.is_known, '', 'is a compressed BMP file or one of 16 bits a pixel; '
                     'save it as PNG')
  return header.size, problem, lambda: bmp.decode(file, header)


_READERS = (_png, _jpeg, _gif, _bmp)


def _problem_of_kind(file, kind):
  """Why a file that the graph does not decode is not decoded, a string scalar."""
  *names, last = kinds.NAMES
  readable = f'{", ".join(names)} or {last}'
  texts = [f'is a {name} file; save it as {readable}' if name else
           f'is no picture file ({readable})' for name in kinds.OTHERS]
  is_empty = tf.equal(file.size, 0)
  return tf.where(is_empty, 'is an empty file', tf.gather(texts, kind - len(kinds.NAMES)))


def _problem_of_size(size, max_pixels):
  """What is wrong with a height and width, a string scalar, empty if nothing is."""
  # Not as a product, which could overflow.
  is_large = size[0] > max_pixels // tf.maximum(size[1], 1)
  large = tf.strings.format(
      'has {} x {} pixels (height x width); at most ' f'{max_pixels:,} are read',
      (size[0], size[1]))
  return tf.where(is_large, large, tf.where(tf.reduce_any(size < 1), 'has no pixels', ''))


def _nothing():
  return tf.zeros([0, 0, 3], tf.uint8)


def _decode(file, kind, max_pixels):
  """(uint8 image [H, W, 3], string scalar saying what is wrong)."""
  def decode_with(reader):
    size, problem, decode = reader(file)
    of_size = _problem_of_size(size, max_pixels)
    problem = tf.where(tf.equal(problem, ''), of_size, problem)
    return tf.cond(tf.equal(problem, ''), decode, _nothing), problem

  branches = [lambda reader=reader: decode_with(reader) for reader in _READERS]
  image, problem = tf.switch_case(
      kind, branches, default=lambda: (_nothing(), _problem_of_kind(file, kind)))
  return tf.ensure_shape(image, [None, None, 3]), problem


def _guarded(files, examine, fallback):
  """`examine` of each file in turn, or the fallback where it fails.

  A graph cannot catch the error of a decoder, a data set can leave an element out. One file is
  decoded at a time, so that memory is bounded by one picture and not by their number.

  Args:
    files: string Tensor [N], N of at least 1.
    examine: function of a scalar file that returns Tensors.
    fallback: function of a scalar file that returns Tensors of the same dtypes and shapes.

  Returns:
    The Tensors, stacked.
  """
  def one(file):
    tried = tf.data.Dataset.from_tensors(file).map(examine).ignore_errors()
    instead = tf.data.Dataset.from_tensors(file).map(fallback)
    return tried.concatenate(instead).take(1)

  results = tf.data.Dataset.from_tensor_slices(files).flat_map(one)
  options = tf.data.Options()
  options.autotune.enabled = False
  results = results.batch(tf.size(files, tf.int64)).with_options(options)
  return results.get_single_element()


def decode_all(files, finish, max_pixels):
  """Decodes picture files, one after the other.

  PNG, JPEG, GIF (its first frame) and BMP files are turned upright as their Exif data say,
  what is transparent is laid over white, of 16 bits a colour the upper 8 are kept, CMYK and
  palettes become RGB.

  Args:
    files: string Tensor [N], N of at least 1.
    finish: function of a uint8 Tensor [H, W, 3] that returns (uint8 Tensor, string scalar
      saying what is wrong with it or '').
    max_pixels: int. A picture of more is told by its header and not decoded.

  Returns:
    (uint8 Tensor [N, ...], string Tensor [N]): what `finish` returns, and what is wrong with
    each file, '' if nothing is. The image of a file with something wrong is zeros, of one
    pixel where the size of images is not known.
  """
  spec = tf.function(finish).get_concrete_function(
      tf.TensorSpec([None, None, 3], tf.uint8)).structured_outputs[0]
  blank = lambda: tf.zeros([size or 1 for size in spec.shape], tf.uint8)

  def examine(contents):
    file = octets.Octets(contents)
    image, problem = _decode(file, kinds.kind_of(file), max_pixels)
    image, problem = tf.cond(
        tf.equal(problem, ''), lambda: finish(image), lambda: (blank(), problem))
    return tf.ensure_shape(image, spec.shape), problem

  def say_damaged(contents):
    kind = kinds.kind_of(octets.Octets(contents))
    return (tf.ensure_shape(blank(), spec.shape),
            tf.strings.join(['is a damaged ', tf.gather(kinds.NAMES, kind), ' file']))

  return _guarded(files, examine, say_damaged)


def sizes_of(files):
  """Height and width of picture files by their headers.

  Args:
    files: string Tensor [N], N of at least 1.

  Returns:
    int64 Tensor [N, 2]; zeros for what is no picture that `decode_all` decodes.
  """
  def none(*unused):
    return tf.zeros([2], tf.int64)

  def examine(contents):
    file = octets.Octets(contents)
    branches = [lambda reader=reader: reader(file)[0] for reader in _READERS]
    return tf.switch_case(kinds.kind_of(file), branches, default=none)

  return _guarded(files, examine, none)
