"""Checks of what a client sends, as operations of the graph.

They stand in the SavedModel, so every server and client gets the same one-line error instead of
a wrong picture: an InvalidArgumentError with the line

    assertion failed: [INPUT must be WANTED; received the shape] [2 28 28]

or `received] [VALUE]`. TensorFlow itself compares the dtype, and nothing else: neither the C API
nor TensorFlow Serving nor a loaded signature in Python enforces the shapes that a signature states.
It does take them for granted, and replaces a check of a shape by its foregone result, so a
signature's graph takes Tensors of any shape (`Signatures.all`), and nothing before the check may
let TensorFlow conclude which it is: no `tf.ensure_shape`, for one.
"""

import dataclasses

import tensorflow as tf

from tfp_glow.data import pictures

__all__ = [
    'Limits', 'checked_count', 'checked_files', 'checked_images', 'checked_labels',
    'checked_latents', 'checked_name', 'checked_number', 'checked_picture', 'checked_seed',
    'checked_vector', 'limited_product', 'one_for_each', 'require',
]

_MAX_IMAGES = 1024
_MAX_VALUES = 2**24  # Of all images together: 64 MB of latents.
_MAX_DRAWS = 1024
_PASSES_PER_IMAGE = 16
_MAX_SHOWN = 8  # Elements of a shape or a value, and
_MAX_BYTES = 80  # bytes of a string that an error repeats.
_MAX_NAMES = 60  # Names that an error offers.


@dataclasses.dataclass(frozen=True)
class Limits:
  """How much one request may ask for.

  Attributes:
    images: int, the most images that a request brings, or that it asks for.
    draws: int, the most draws of noise for each image.
    passes: int, the most passes of an image through the flow, where a request needs several for
      each image: images times draws, or times classes.
    pixels_of_file: int, the most pixels of a picture file.
    pixels_of_files: int, the same of all files of a request together.
  """

  images: int
  draws: int
  passes: int
  pixels_of_file: int = pictures.MAX_PIXELS_SERVED
  pixels_of_files: int = pictures.MAX_PIXELS_OF_REQUEST

  @classmethod
  def of(cls, event_size, num_classes=0):
    """Those of a model of images with `event_size` values, of which one may always be classified."""
    images = max(1, min(_MAX_IMAGES, _MAX_VALUES // event_size))
    passes = max(images * _PASSES_PER_IMAGE, num_classes)
    return cls(images, min(passes, _MAX_DRAWS), passes)


def require(condition, message, received, value, kind=''):
  """`value`, computed after the condition was found to hold.

  Args:
    condition: bool scalar Tensor.
    message: str, what is wanted.
    received: a Tensor to show.
    value: Tensor.
    kind: str, what is shown of what was received, ' the shape' for example.

  Returns:
    `value`. An InvalidArgumentError is raised when the graph runs otherwise.
  """
  check = tf.debugging.Assert(condition, [f'{message}; received{kind}', received], _MAX_SHOWN)
  with tf.control_dependencies([check] if check is not None else []):
    return tf.identity(value)


def checked_images(images, name, shape, most):
  """uint8 images `[N, *shape]` with N from 1 to `most`."""
  return _of_shape(images, [None, *shape], f'{name} must be uint8 {_batch(shape, most)}', most)


def checked_files(files, name, most):
  """A string Tensor `[N]` with N from 1 to `most`."""
  return _of_shape(files, [None], f'{name} must be string {_batch([], most)}, a file each', most)


def checked_labels(labels, name, num_classes, most):
  """int32 labels `[N]` from 0 to `num_classes - 1`, N from 1 to `most`."""
  wanted = f'{name} must be int32 {_batch([], most)}, each from 0 to {num_classes - 1}'
  labels = _of_shape(labels, [None], wanted, most)
  bad = (labels < 0) | (labels >= num_classes)
  return require(~tf.reduce_any(bad), wanted, labels[tf.argmax(tf.cast(bad, tf.int32))], labels)


def checked_latents(latents, name, size, most):
  """Finite float32 latents `[N, size]` with N from 1 to `most`."""
  wanted = f'{name} must be finite float32 {_batch([size], most)}'
  return _finite(_of_shape(latents, [None, size], wanted, most), wanted)


def checked_vector(vector, name, size):
  """A finite float32 vector `[size]`."""
  wanted = f'{name} must be finite float32 [{size}]'
  return _finite(_of_shape(vector, [size], wanted), wanted)


def checked_seed(seed, name):
  """An int32 vector of two numbers."""
  return _of_shape(seed, [2], f'{name} must be int32 [2]')


def checked_count(count, name, most, least=1):
  """An int32 scalar from `least` to `most`."""
  wanted = f'{name} must be one int32 from {least} to {most}'
  count = _of_shape(count, [], wanted)
  return require((count >= least) & (count <= most), wanted, count, count)


def checked_number(value, name, least=None):
  """A finite float32 scalar of at least `least`."""
  wanted = f'{name} must be one finite float32'
  if least is not None:
    wanted += f' of at least {least:g}'
  value = _of_shape(value, [], wanted)
  condition = tf.math.is_finite(value)
  if least is not None:
    condition &= value >= least
  return require(condition, wanted, value, value)


def checked_name(value, name, names):
  """The number that a string scalar has in a list of names, an int64 scalar."""
  known = ', '.join(names[:_MAX_NAMES]) or 'none, since the export was made without any'
  if len(names) > _MAX_NAMES:
    known += f', ... ({len(names)} in all, listed in assets.extra/model.json)'
  wanted = f'{name} must be one string of: {known}'
  value = _of_shape(value, [], wanted)
  is_named = tf.equal(value, tf.constant(names, tf.string))
  # An error message is UTF-8, whatever a client sends.
  shown = tf.strings.unicode_transcode(
      tf.strings.substr(value, 0, _MAX_BYTES, 'BYTE'), 'UTF-8', 'UTF-8')
  number = tf.argmax(tf.concat([tf.cast(is_named, tf.int32), [0]], 0))
  return require(tf.reduce_any(is_named), wanted, shown, number)


def checked_picture(x, cause):
  """The flow's images, refused where the latents lay so far out that they overflowed."""
  is_finite = tf.math.is_finite(x)
  return require(
      tf.reduce_all(is_finite), f'{cause} must be smaller, for the latents lie too far from 0 to '
      'be decoded', tf.math.count_nonzero(~is_finite), x, ' what gives pixels that are not finite')


def one_for_each(value, name, batch):
  """A Tensor that must have as many rows as another input, checked each by itself before."""
  counts = tf.stack([tf.shape(value)[0], tf.shape(batch)[0]])
  return require(tf.equal(counts[0], counts[1]), f'{name} must be one for each image', counts,
                 value, f' {name} and images')


def limited_product(factors, most, names, what):
  """Refuses a request for too much work.

  Args:
    factors: list of int32 scalar Tensors, each checked before.
    most: int, of their product.
    names: str, the inputs that they are of, such as 'images x num'.
    what: str, what there may be so many of.

  Returns:
    The factors, as a list of Tensors.
  """
  factors = tf.stack(factors)
  return tf.unstack(require(
      tf.reduce_prod(tf.cast(factors, tf.int64)) <= most,
      f'{names} must be at most {most} {what} in one request', factors, factors))


def _batch(shape, most):
  return f'[{", ".join(map(str, ["N", *shape]))}] with N from 1 to {most}'


def _of_shape(x, shape, wanted, most=None):
  """`x`, of an unknown shape, as a Tensor of a shape in which None is a number from 1 to `most`."""
  sizes, rank = tf.shape(x), len(shape)
  first = tf.concat([sizes, tf.fill([rank], -1)], 0)[:rank]
  least = tf.constant([1 if size is None else size for size in shape], tf.int32)
  greatest = tf.constant([most if size is None else size for size in shape], tf.int32)
  x = require(tf.equal(tf.size(sizes), rank) & tf.reduce_all((least <= first) & (first <= greatest)),
              wanted, sizes, x, ' the shape')
  return tf.reshape(x, [-1 if size is None else size for size in shape])


def _finite(value, wanted):
  is_finite = tf.math.is_finite(value)
  return require(tf.reduce_all(is_finite), wanted, tf.math.count_nonzero(~is_finite), value,
                 ' numbers that are NaN or infinite')
