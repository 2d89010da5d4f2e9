"""What a Keras model of images is given: batches of every accepted form, and what is wrong."""

import re
import typing

import keras
import numpy as np
import tensorflow as tf

__all__ = ['Batch', 'Share', 'first_batch', 'raise_what_failed', 'share', 'specs', 'unpack',
           'with_weights']


class Batch(typing.NamedTuple):
  """Images `[N, H, W, C]`, what they are given, and weights `[N]` or None."""

  images: tf.Tensor
  conditions: dict
  weights: typing.Optional[tf.Tensor]


class Share(typing.NamedTuple):
  """A replica's part of a batch, the images `first` to `first + count` of `total`."""

  images: tf.Tensor
  conditions: dict
  weights: tf.Tensor
  first: tf.Tensor
  count: tf.Tensor
  total: tf.Tensor

  def never_empty(self, noise):
    """The share and its noise, with one image of weight 0 if it has none: convolutions want one."""
    if tf.distribute.get_replica_context().num_replicas_in_sync == 1:
      return self, tf.ensure_shape(noise, self.images.shape)
    padding = tf.maximum(1 - tf.shape(self.images)[0], 0)

    def pad(t):
      padded = tf.pad(t, [[0, padding]] + [[0, 0]] * (t.shape.rank - 1))
      return tf.ensure_shape(padded, [None, *t.shape[1:]])

    images, conditions, weights, noise = tf.nest.map_structure(
        pad, (self.images, self.conditions, self.weights, noise))
    return self._replace(images=images, conditions=conditions, weights=weights), noise


def first_batch(images):
  """The first batch of a data set, or what `initialize` was given."""
  if isinstance(images, keras.utils.PyDataset):
    return images[0]
  if isinstance(images, tf.data.Dataset):
    batch = next(iter(images), None)
    if batch is None:
      raise ValueError('initialize needs images, got a data set without a batch.')
    return batch
  if hasattr(images, '__next__') or isinstance(images, tf.distribute.DistributedDataset):
    raise ValueError(
        'initialize takes a batch, a tf.data.Dataset or a keras.utils.PyDataset, got '
        f'{type(images).__name__}; pass one batch of it.')
  return images


def unpack(batch, model):
  """What a batch of any accepted form holds.

  Args:
    batch: images, (images, labels), (images, labels, weights), or a dict with the key "image",
      "label" for labels, the name of every other condition, and "mask" for weights, in the
      place of the images too.
    model: an `ImageModel`.

  Returns:
    A `Batch`, of static shapes but for N.

  Raises:
    ValueError: for a batch of another form, images that are not uint8 of the model's shape, or
      conditions that are missing or of another form.
  """
  images, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
  given = {}
  if isinstance(images, dict):
    _check_weights_once(images, weights)
    given, weights = images, images.get('mask', weights)
    if 'image' not in images:
      raise ValueError(
          f"a batch that is a dict needs the key 'image', got {sorted(images)}; map the dataset "
          'to images or to (images, labels).')
    images = images['image']
  if labels is not None:
    given = {**given, 'label': labels}
  if isinstance(images, (dict, list, tuple)) or images is None:
    raise ValueError(
        f'a batch must be a tensor of images, (images, labels) or a dict with the key '
        f"'image', got {type(images).__name__} in the images' place.")
  images = _checked_images(tf.convert_to_tensor(images), model.image_shape)
  return Batch(images, _conditions(given, images, model), weights)


def specs(model):
  """The TensorSpec of a model's images or, where they are given something, a dict of them.

  Raises:
    ValueError: if the form of a condition is not known.
  """
  for name, form in model.conditions.items():
    if form.event_shape is None:
      raise ValueError(f'the form of the condition {name} is not known; pass input_signature.')
  images = tf.TensorSpec([None, *model.image_shape], tf.uint8, 'image')
  conditions = {_key(name): tf.TensorSpec(
      [None, *form.event_shape],
      tf.int32 if form.num_classes else form.dtype or model.flow.dtype, _key(name))
                for name, form in model.conditions.items()}
  return {'image': images, **conditions} if conditions else images


def share(batch, model):
  """A replica's `Share` of a batch of any accepted form; call it in a replica context."""
  images, conditions, weights = unpack(batch, model)
  count = tf.shape(images)[0]
  dtype = model.distribution.dtype
  weights = tf.ones([count], dtype) if weights is None else tf.cast(weights, dtype)
  shapes = [images.shape[:1], [*images.shape[:1], 1]]  # Keras gives them either.
  if not any(weights.shape.is_compatible_with(shape) for shape in shapes):
    raise ValueError(
        f'weights must have the shape [N], one for each image of {images.shape}, got '
        f'{weights.shape}.')
  weights = tf.reshape(weights, [count])
  context = tf.distribute.get_replica_context()
  replicas, replica = context.num_replicas_in_sync, context.replica_id_in_sync_group
  if replicas == 1:
    return Share(images, conditions, weights, tf.zeros_like(count), count, count)
  # Keras deals out the remainder of a data set too: shares may be unequal.
  counts = tf.cast(context.all_reduce(
      tf.distribute.ReduceOp.SUM, tf.one_hot(replica, replicas) * tf.cast(count, tf.float32)),
      tf.int32)
  return Share(images, conditions, weights, tf.reduce_sum(counts[:replica]), count,
               tf.reduce_sum(counts))


def with_weights(x, y, weights):
  """Arrays for Keras, which drops weights without labels, silently.

  Args:
    x: images or a dict.
    y: labels or None.
    weights: array `[N]` or None.

  Returns:
    `x, y, weights`, the weights within `x` where there are no labels.

  Raises:
    ValueError: if `x` holds weights too, or arrays for other numbers of images.
  """
  if isinstance(x, dict):
    _check_weights_once(x, weights)
  if y is None and weights is not None and (isinstance(x, dict) or hasattr(x, 'shape')):
    images = x if isinstance(x, dict) else {'image': x}
    x, weights = {**images, 'mask': np.asarray(weights)}, None
  sizes = {key: value.shape[0] for key, value in (x.items() if isinstance(x, dict) else ())
           if getattr(value, 'shape', None)}
  if len(set(sizes.values())) > 1:  # Keras would fail in telling of it.
    raise ValueError('all that images are given must be for as many, got ' + ', '.join(
        f'{num} for {key}' for key, num in sizes.items()) + '.')
  return x, y, weights


def _check_weights_once(batch, weights):
  if weights is not None and 'mask' in batch:
    raise ValueError(
        "weights are there twice, under the key 'mask' of the images and as sample_weight or "
        'class_weight; leave one out.')


def raise_what_failed(error):
  """A ValueError of the one line that matters, where an assertion about a batch has failed."""
  failed = re.search(r'assertion failed: \[(.*)\] (\[.*)', error.message)
  if failed:
    raise ValueError(' '.join(failed.groups())) from error


def _checked_images(images, expected):
  wrong = advice = None
  if images.shape.rank is not None and not (
      images.shape.rank == 4 and images.shape[1:].is_compatible_with(expected)):
    wrong, advice = f'the shape {images.shape}', 'reshape, crop or resize them'
    if images.shape.is_compatible_with(expected):
      advice = 'batch the data set with dataset.batch(...), or an image with image[None]'
    elif images.shape.rank == 3 and expected[-1] == 1:
      advice = 'add the channel dimension with images[..., None]'
  elif images.dtype != tf.uint8:
    wrong, advice = images.dtype.name, 'cast them to uint8'
    if images.dtype.is_floating:
      advice = ('scale them to the range from 0 to 255 (images in [0, 1] times 255, those in '
                '[-1, 1] plus 1 times 127.5) and cast them to uint8')
  if wrong:
    raise ValueError(
        f'images must be uint8 from 0 to 255 of the shape [N, '
        f'{", ".join(map(str, expected))}], got {wrong}; {advice}.')
  return tf.ensure_shape(images, [None, *expected])


def _key(name):
  """Under which key of a dict a condition comes."""
  return 'label' if name == 'labels' else name


def _conditions(given, images, model):
  """The model's conditions, a dict of Tensors `[N, ...]` by name."""
  keys = {name: _key(name) for name in model.conditions}
  missing = sorted(name for name, key in keys.items() if given.get(key) is None)
  if missing:
    form = "(images, labels) or a dict with the keys 'image' and 'label'"
    if set(keys) != {'labels'}:
      form = 'a dict with the keys ' + ', '.join(map(repr, ['image', *sorted(keys.values())]))
    raise ValueError(
        f'the flow models images given {" and ".join(sorted(keys))}, and the batch has no '
        f'{" and no ".join(missing)}; pass {form}.')
  return {name: _checked_condition(name, given[key], model.conditions[name], images, model)
          for name, key in keys.items()}


def _checked_condition(name, value, form, images, model):
  value = form.checked(model.flow.name, name, value, model.flow.dtype)
  if form.event_shape is None:
    return value
  if form.event_shape == () and value.shape.rank == 2 and value.shape[1] == 1:
    value = tf.squeeze(value, 1)  # As the data sets of Keras have labels.
  wanted = images.shape[:1].concatenate(form.event_shape)
  shape = ', '.join(['N', *('any' if n is None else str(n) for n in form.event_shape)])
  number = '' if images.shape[0] is None else f' for {images.shape[0]} images'
  message = f'{name} must have the shape [{shape}]{number}, got'
  if not value.shape.is_compatible_with(wanted):
    raise ValueError(f'{message} {value.shape}.')
  if value.shape.is_fully_defined() or None in form.event_shape:
    return value
  # What is known only now would broadcast.
  size = tf.concat([tf.shape(images)[:1], tf.constant(form.event_shape, tf.int32)], 0)
  fits = tf.equal(tf.size(value), tf.reduce_prod(size))
  with tf.control_dependencies([tf.debugging.Assert(fits, [message, tf.shape(value)])]):
    return tf.ensure_shape(tf.reshape(value, size), wanted)
