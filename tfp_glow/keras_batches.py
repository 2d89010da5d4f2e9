"""What a Keras model of images is given: batches of every accepted form, and what is wrong."""

import keras
import tensorflow as tf

__all__ = ['check_images', 'labels_of_weights', 'unpack']


def check_images(images, expected):
  """The images, of a static shape but for their number.

  Args:
    images: a Tensor.
    expected: tuple `(H, W, C)`.

  Raises:
    ValueError: unless they are uint8 `[N, H, W, C]`.
  """
  wrong = advice = None
  if images.shape.rank is not None and not (
      images.shape.rank == 4 and images.shape[1:].is_compatible_with(expected)):
    wrong, advice = f'the shape {images.shape}', 'reshape, crop or resize them'
    if images.shape.is_compatible_with(expected):
      advice = 'add the batch dimension with images[None]'
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


def labels_of_weights(labels, arguments):
  """Some labels, where there are weights: Keras drops those without labels, silently."""
  return arguments.get('sample_weight') if labels is None else labels


def unpack(batch):
  """Images and weights, or None, of a batch of any accepted form."""
  images, _, weights = keras.utils.unpack_x_y_sample_weight(batch)
  if isinstance(images, dict):
    weights = images.get('mask', weights)
    if 'image' not in images:
      raise ValueError(
          f"a batch that is a dict needs the key 'image', got {sorted(images)}; map the dataset "
          'to images or to (images, labels).')
    images = images['image']
  if not tf.is_tensor(images):
    raise ValueError(
        f'a batch must be a tensor of images, (images, labels) or a dict with the key '
        f"'image', got {type(images).__name__} in the images' place.")
  return images, weights
