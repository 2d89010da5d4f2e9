"""Brings images to one size, and augments them. Nothing here keeps a random state."""

import tensorflow as tf

RESIZES = ('none', 'center_crop', 'random_crop', 'pad')
_LUMA = (0.299, 0.587, 0.114)  # They sum to 1.


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
    size: int, the square's side in pixels, at most min(H, W).
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
    resize: one of `RESIZES`. 'none' leaves the image; 'pad' surrounds it with zeros;
      'center_crop' and 'random_crop' scale the shorter side to `scale_to` and cut a square.
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
    position = (0.5, 0.5)
  return crop(scale_shorter_side(image, scale_to), size, position)


def to_grey(image):
  """The brightness of colour pixels by ITU-R BT.601; grey pixels keep their value.

  Args:
    image: uint8 Tensor [..., 3].

  Returns:
    uint8 Tensor [..., 1].
  """
  grey = tf.tensordot(tf.cast(image, tf.float32), tf.constant(_LUMA), 1)
  return tf.cast(tf.round(grey), tf.uint8)[..., None]


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
