"""Brings images to one size, and augments them. Nothing here keeps a random state."""

import tensorflow as tf

from tfp_glow.data import pictures


def scale_shorter_side(image, side):
  """Scales an image so that its shorter side has `side` pixels, averaging over areas.

  Args:
    image: uint8 Tensor [H, W, C].
    side: int.

  Returns:
    uint8 Tensor [H', W', C] with min(H', W') == side and the aspect ratio kept.
  """
  size = tf.shape(image)[:2]
  shorter = tf.reduce_min(size)

  def scale():
    factor = side / shorter
    new_size = tf.maximum(tf.cast(tf.round(tf.cast(size, factor.dtype) * factor), tf.int32), side)
    scaled = tf.image.resize(image, new_size, method='area')
    return tf.cast(tf.round(scaled), tf.uint8)

  return tf.cond(tf.equal(shorter, side), lambda: image, scale)


def crop(image, size, position=(0.5, 0.5)):
  """Cuts a square out of an image.

  Args:
    image: uint8 Tensor [H, W, C].
    size: int or int32 scalar Tensor, the square's side in pixels, at most min(H, W).
    position: float Tensor [2] in [0, 1): where between top and bottom, left and right. The
      default is the centre.

  Returns:
    uint8 Tensor [size, size, C].
  """
  room = tf.shape(image)[:2] - size
  corner = tf.cast(tf.floor(tf.cast(room + 1, tf.float32) * position), tf.int32)
  corner = tf.minimum(corner, room)
  return tf.slice(image, tf.concat([corner, [0]], 0), [size, size, image.shape[-1]])


def fit(image, size, resize, scale_to, position=(0.5, 0.5)):
  """One image at the size that a config asks for.

  Args:
    image: uint8 Tensor [H, W, C].
    size: int, side of the result in pixels; not read by resize='none'.
    resize: as in the config. 'none' leaves the image; 'pad' surrounds it with zeros;
      'center_crop' scales its central square to the side `scale_to`, averaging over areas, and
      cuts a square out of the middle; 'random_crop' scales the shorter side to `scale_to` and
      cuts a square anywhere.
    scale_to: int, pixels.
    position: float Tensor [2] in [0, 1), where 'random_crop' cuts.

  Returns:
    uint8 Tensor [size, size, C], or the image itself for 'none'.
  """
  if resize == 'none':
    return image
  if resize == 'pad':
    return tf.image.resize_with_crop_or_pad(image, size, size)
  if resize == 'center_crop':
    # First, so that a long strip is never scaled as a whole.
    image = crop(image, tf.reduce_min(tf.shape(image)[:2]))
    position = (0.5, 0.5)
  return crop(scale_shorter_side(image, scale_to), size, position)


def to_shape(image, image_shape, dataset_config, scale=False):
  """A picture as a model takes it: sized as its data set was, and grey where that is.

  Args:
    image: uint8 Tensor [H, W, 3].
    image_shape: (H, W, C), ints, C being 1 or 3: that of the model's images.
    dataset_config: the `dataset` part of the model's config. A random crop is the middle one, as
      in evaluations.
    scale: bool, what happens where `resize` is 'none' and the picture has another size: it is
      left as it is, or its central square is scaled to the longer side of the model's images
      and cut to them.

  Returns:
    uint8 Tensor `image_shape`, or [H, W, C] if it was left at its size.
  """
  height, width, channels = image_shape
  resize, size = dataset_config.resize, dataset_config.image_size
  scale_to = dataset_config.crop_from or size

  def cut():
    side = max(height, width)
    square = fit(image, side, 'center_crop', side)
    return tf.image.resize_with_crop_or_pad(square, height, width)

  if resize == 'random_crop':
    # Training refuses such a strip, which would take up too much memory once scaled.
    sides = tf.sort(tf.cast(tf.shape(image)[:2], tf.float32))
    image = tf.cond(sides[1] / sides[0] * scale_to**2 > pictures.MAX_PIXELS_SERVED,
                    lambda: fit(image, size, 'center_crop', scale_to),
                    lambda: fit(image, size, 'random_crop', scale_to))
  elif resize != 'none':
    image = fit(image, size, resize, scale_to)
  elif scale:
    is_sized = tf.reduce_all(tf.equal(tf.shape(image)[:2], [height, width]))
    image = tf.cond(is_sized, lambda: image, cut)
  return to_grey(image) if channels == 1 else image


def to_grey(image):
  """The brightness of colour pixels by ITU-R BT.601; grey pixels keep their value.

  Args:
    image: uint8 Tensor [..., 3].

  Returns:
    uint8 Tensor [..., 1], round(0.299 R + 0.587 G + 0.114 B) in integers.
  """
  red, green, blue = tf.unstack(tf.cast(image, tf.int32), axis=-1)
  grey = (299 * red + 587 * green + 114 * blue + 500) // 1000
  return tf.cast(grey, tf.uint8)[..., None]


def augment(images, uniform, shift, flip):
  """Shifts images by whole pixels and mirrors half of them.

  Pixels that a shift leaves empty repeat the image's edge.

  Args:
    images: uint8 Tensor [N, H, W, C].
    uniform: float32 Tensor [N, 3] in [0, 1), the randomness to use.
    shift: int, the largest shift in pixels, in both directions on both axes.
    flip: bool, whether to mirror left and right with probability 1/2.

  Returns:
    uint8 Tensor [N, H, W, C].
  """
  height, width = images.shape[1:3]
  moves = tf.cast(tf.floor(uniform[:, :2] * (2 * shift + 1)), tf.int32) - shift
  rows = tf.clip_by_value(tf.range(height) - moves[:, :1], 0, height - 1)
  columns = tf.clip_by_value(tf.range(width) - moves[:, 1:], 0, width - 1)
  if flip:
    columns = tf.where(uniform[:, 2:] < 0.5, tf.reverse(columns, [1]), columns)
  images = tf.gather(images, rows, axis=1, batch_dims=1)
  return tf.gather(images, columns, axis=2, batch_dims=1)
