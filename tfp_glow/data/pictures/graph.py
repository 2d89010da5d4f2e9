"""Decodes picture files in the graph, so that a server sees the pixels that training saw."""

import numpy as np
import tensorflow as tf

from tfp_glow.data.pictures import bmp
from tfp_glow.data.pictures import decoders
from tfp_glow.data.pictures import exif
from tfp_glow.data.pictures import gif
from tfp_glow.data.pictures import kinds
from tfp_glow.data.pictures import octets
from tfp_glow.data.pictures import opacity

__all__ = ['decode_all']

_SCANS = 64  # A JPEG may have so many scans, and one more for each 32 KiB: each costs a pass.
_UPRIGHT = np.int64(1)


def _nothing():
  return tf.zeros([0, 0, 3], tf.uint8)


def _unless(problem, decode):
  """What `decode` returns, or no image where there is a problem already."""
  return tf.cond(tf.equal(problem, ''), decode, lambda: (_nothing(), problem, _UPRIGHT))


def _damaged(name, is_good):
  """What is wrong with a file of some kind, a string scalar, empty if nothing is."""
  return tf.where(is_good, '', f'is a damaged {name} file')


def _problem_of_size(size, max_pixels):
  """The same of a height and width."""
  large = tf.strings.format(
      'has {} x {} pixels (height x width); at most {} are read', (size[0], size[1], max_pixels))
  has_none = tf.where(tf.reduce_any(size < 1), 'has no pixels', '')
  return tf.where(_is_large(size, max_pixels), large, has_none)


def _is_large(size, max_pixels):
  # Not as a product, which could overflow.
  return size[0] > max_pixels // tf.maximum(size[1], 1)


# Each of these returns (uint8 image [H, W, 3]; what is wrong with the file, a string scalar, empty
# if nothing is; the Exif orientation; int64 [2], height and width by the file's header).


def _png(file, max_pixels):
  size = tf.stack([file.unsigned(20, 4, big=True), file.unsigned(16, 4, big=True)])

  def decode():
    orientation, has_transparency = exif.png_chunks(file)
    # Of the colour types, 4 and 6 carry opacity. The decoder is asked for it only then, since
    # it adds a wrong one to grey pictures of fewer than 8 bits.
    has_opacity = has_transparency | tf.reduce_any(tf.equal(file.unsigned(25, 1), [4, 6]))
    image, _, is_good = decoders.try_to(decoders.decode_png, file.contents, has_opacity)
    image = tf.cond(has_opacity & is_good, lambda: opacity.over_white(image), lambda: image)
    return image, _damaged('PNG', is_good), orientation

  return *_unless(_problem_of_size(size, max_pixels), decode), size


def _jpeg(file, max_pixels):
  def decode():
    image, size, is_good = decoders.try_to(decoders.decode_jpeg, file.contents, max_pixels)
    problem = tf.where(is_good, _problem_of_size(size, max_pixels), _damaged('JPEG', is_good))
    return image, problem, exif.jpeg_orientation(file), size

  has_many_scans = file.count(b'\xff\xda') > _SCANS + file.size // 2**15
  problem = tf.constant('is a JPEG file of too many scans')
  return tf.cond(
      has_many_scans, lambda: (_nothing(), problem, _UPRIGHT, tf.zeros([2], tf.int64)), decode)


def _gif(file, max_pixels):
  frame = gif.find_frame(file)
  problem = _problem_of_size(frame.screen, max_pixels)
  is_whole = frame.end > 0
  problem = tf.where(is_whole, problem, _damaged('GIF', is_whole))

  def decode():
    index, _, is_good = decoders.try_to(decoders.decode_gif, gif.alone(file, frame))
    image = tf.cond(is_good, lambda: gif.place(file, frame, index), _nothing)
    return image, _damaged('GIF', is_good), _UPRIGHT

  return *_unless(problem, decode), frame.screen


def _bmp(file, max_pixels):
  header = bmp.read_header(file)
  is_whole = bmp.is_whole(file, header)
  problem = tf.where(
      header.is_known, _problem_of_size(header.size, max_pixels),
      'is a compressed BMP file or one of 16 bits a pixel; save it as PNG')
  problem = tf.where(tf.equal(problem, ''), _damaged('BMP', is_whole), problem)
  return *_unless(problem, lambda: (bmp.decode(file, header), '', _UPRIGHT)), header.size


def _other(file, kind):
  texts = [f'is a {name} file; save it as {kinds.READABLE}' if name else
           f'is no picture file ({kinds.READABLE})' for name in kinds.OTHERS]
  problem = tf.where(tf.equal(file.size, 0), 'is an empty file',
                     tf.gather(texts, kind - len(kinds.NAMES)))
  return _nothing(), problem, _UPRIGHT, tf.zeros([2], tf.int64)


def _decode(contents, max_pixels):
  file = octets.Octets(contents)
  kind = kinds.kind_of(file)
  branches = [lambda read=read: read(file, max_pixels) for read in (_png, _jpeg, _gif, _bmp)]
  image, problem, orientation, size = tf.switch_case(
      kind, branches, default=lambda: _other(file, kind))
  image = exif.turn(tf.ensure_shape(image, [None, None, 3]), orientation)
  return image, problem, size


@tf.autograph.experimental.do_not_convert  # Nothing here needs it, and it takes its time.
def decode_all(files, finish, max_pixels, max_total=2**62):
  """Decodes picture files, one after the other: memory is bounded by one picture.

  PNG, JPEG, GIF (its first frame) and BMP files are turned upright as their Exif data say,
  what is transparent is laid over white, of 16 bits a colour the upper 8 are kept, CMYK and
  palettes become RGB.

  Args:
    files: string Tensor [N], N of at least 1.
    finish: function of a uint8 Tensor [H, W, 3] that returns (uint8 Tensor, string scalar
      saying what is wrong with it or '').
    max_pixels: int. A picture of more is told by its header and not decoded.
    max_total: int, the same of all files together.

  Returns:
    (uint8 Tensor [N, ...], string Tensor [N]): what `finish` returns, and what is wrong with
    each file, '' if nothing is. The image of a file with something wrong is zeros, of one
    pixel where the size of images is not known.
  """
  spec = tf.function(finish, autograph=False).get_concrete_function(
      tf.TensorSpec([None, None, 3], tf.uint8)).structured_outputs[0]
  blank = lambda: tf.zeros([size or 1 for size in spec.shape], tf.uint8)
  max_pixels = tf.constant(max_pixels, tf.int64)

  def add(number, total, images, problems):
    left = max_total - total
    image, problem, size = _decode(files[number], tf.minimum(max_pixels, left))
    total += tf.where(tf.equal(problem, ''), tf.reduce_prod(size), 0)
    problem = tf.where(
        _is_large(size, left) & ~_is_large(size, max_pixels), 'has, with the files before it, more '
        f'than the {max_total} pixels that are read together', problem)
    image, problem = tf.cond(
        tf.equal(problem, ''), lambda: finish(image), lambda: (blank(), problem))
    return (number + 1, total, images.write(number, tf.ensure_shape(image, spec.shape)),
            problems.write(number, problem))

  num = tf.size(files)
  arrays = (tf.TensorArray(tf.uint8, num, element_shape=spec.shape, infer_shape=False),
            tf.TensorArray(tf.string, num, element_shape=[]))
  *_, images, problems = tf.while_loop(
      lambda number, *_: number < num, add,
      (tf.constant(0), tf.constant(0, tf.int64), *arrays), parallel_iterations=1)
  return images.stack(), problems.stack()
