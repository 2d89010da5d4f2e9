"""Checks of what a client sends, as operations of the graph.

They stand in the SavedModel, so every server and client gets the same one-line error instead of
a wrong picture: an InvalidArgumentError whose message names the input and the value received.
"""

import tensorflow as tf

__all__ = [
    'checked_count', 'checked_images', 'checked_labels', 'checked_latents', 'checked_picture',
    'checked_scalar', 'checked_vector', 'require',
]

MAX_COUNT = 1024  # Images, steps or draws that one request may ask for.


def require(condition, message, received, value):
  """`value`, computed after the condition was found to hold.

  Args:
    condition: bool scalar Tensor.
    message: str, what is wanted.
    received: a Tensor to show.
    value: Tensor.

  Returns:
    `value`. An InvalidArgumentError is raised when the graph runs otherwise.
  """
  check = tf.debugging.Assert(condition, [f'{message}; received', received])
  with tf.control_dependencies([check] if check is not None else []):
    return tf.identity(value)


def checked_images(images, shape, name='images'):
  """uint8 images `[N, *shape]` with N at least 1."""
  sizes = _actual_shape(images)
  wanted = ', '.join(map(str, shape))
  return require(
      tf.reduce_all(tf.equal(sizes[1:], shape)) & (sizes[0] > 0),
      f'{name} must be uint8 of the shape [N, {wanted}] with N of at least 1', sizes, images)


def checked_labels(labels, num_classes, num, name='labels'):
  """int32 labels `[num]` from 0 to `num_classes - 1`."""
  labels = require(
      tf.equal(_actual_shape(labels)[0], num), f'{name} must be one int32 for each image',
      _actual_shape(labels), labels)
  return require(
      tf.reduce_all((labels >= 0) & (labels < num_classes)),
      f'{name} must lie from 0 to {num_classes - 1}', labels, labels)


def checked_latents(latents, size, name='latents'):
  """Finite float32 latents `[N, size]` with N at least 1."""
  sizes = _actual_shape(latents)
  latents = require(
      tf.equal(sizes[1], size) & (sizes[0] > 0),
      f'{name} must be float32 of the shape [N, {size}] with N of at least 1', sizes, latents)
  return _finite(latents, name)


def checked_vector(vector, size, name):
  """A finite float32 vector `[size]`."""
  sizes = _actual_shape(vector)
  vector = require(
      tf.equal(sizes[0], size), f'{name} must be float32 of the shape [{size}]', sizes, vector)
  return _finite(vector, name)


def checked_count(count, name, least=1):
  """An int32 scalar from `least` to `MAX_COUNT`."""
  return require((count >= least) & (count <= MAX_COUNT),
                 f'{name} must be an int32 from {least} to {MAX_COUNT}', count, count)


def checked_scalar(value, name, least=None):
  """A finite float32 scalar of at least `least`."""
  condition, wanted = tf.math.is_finite(value), 'finite'
  if least is not None:
    condition, wanted = condition & (value >= least), f'finite and at least {least:g}'
  return require(condition, f'{name} must be {wanted}', value, value)


def checked_picture(x):
  """The flow's images, refused where the latents lay so far out that they overflowed."""
  return require(
      tf.reduce_all(tf.math.is_finite(x)),
      'the latents lie too far from 0 to be decoded; pixels that are not finite',
      tf.math.count_nonzero(~tf.math.is_finite(x)), x)


def _finite(value, name):
  is_finite = tf.math.is_finite(value)
  return require(
      tf.reduce_all(is_finite), f'{name} must be finite; values that are NaN or infinite',
      tf.math.count_nonzero(~is_finite), value)


def _actual_shape(x):
  """The shape that `x` has when the graph runs.

  `tf.shape(x)` is not enough: a signature states its shapes, TensorFlow takes them for granted
  and replaces the check by its foregone result, but neither the C API nor TensorFlow Serving
  enforces them.
  """
  return tf.shape(tf.compat.v1.placeholder_with_default(x, [None] * x.shape.rank))
