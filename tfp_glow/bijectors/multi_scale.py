"""The multi-scale architecture: a flow between a flat latent and an image."""

import itertools

import tensorflow as tf

from tfp_glow.bijectors import batch
from tfp_glow.bijectors import channel_linear
from tfp_glow.bijectors import flow_bijector
from tfp_glow.bijectors import invertible_conv
from tfp_glow.layers import condition
from tfp_glow.layers import static_shape

__all__ = ['MultiScale']


class MultiScale(flow_bijector.FlowBijector):
  """Scales of flow between which half the channels leave.

      inverse   h = image;  at each scale: h = scale(h);  h, z_i = split(h)
                (at the last: z_L = top(h));   z = [z_1, ..., z_L], flat
      forward   the same backwards, from z to the image

  (Dinh et al. 2017, section 3.6; Kingma & Dhariwal 2018, figure 2b.) The latent
  is flat, `[..., H * W * C]`, each scale a contiguous block, the finest scale
  first, so that `tfd.Sample(tfd.Normal(0., 1.), [H * W * C])` is the base.

  Args:
    image_shape: `(H, W, C)`, ints.
    scales: list of lists of bijectors on images. `inverse` applies the lists in
      order, and the bijectors within a list in order. One with a method
      `initialize(h, **conditions)` is initialised by it, which may return `inverse(h)`.
    splits: list of `Split`s, one fewer than `scales`.
    top: a bijector on the last scale's images, or None.
    dtype: float dtype of images and latents.
  """

  def __init__(self, image_shape, scales, splits, top=None, dtype=tf.float32,
               validate_args=False, parameters=None, name='multi_scale'):
    parameters = dict(locals()) if parameters is None else parameters
    if len(splits) != len(scales) - 1:
      raise ValueError(
          f'{name}: {len(scales)} scales need {len(scales) - 1} splits, got {len(splits)}.')
    with tf.name_scope(name) as name:
      self._image_shape = self._no_dependency(tuple(int(n) for n in image_shape))
      self._scales = scales
      self._splits = splits
      self._top = top
      self._latent_shapes = self._no_dependency(_latent_shapes(self._image_shape, scales))
      super().__init__(
          forward_min_event_ndims=1, inverse_min_event_ndims=3, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @property
  def image_shape(self):
    """`(H, W, C)` of the images."""
    return self._image_shape

  @property
  def latent_shapes(self):
    """`(h, w, c)` of each scale's latent, the finest first."""
    return self._latent_shapes

  @property
  def latent_size(self):
    """H * W * C, the length of the flat latent."""
    height, width, channels = self._image_shape
    return height * width * channels

  @property
  def scales(self):
    return self._scales

  @property
  def splits(self):
    return self._splits

  @property
  def top(self):
    return self._top

  @property
  def conditions(self):
    return condition.merged(
        getattr(part, 'conditions', {})
        for part in [*itertools.chain(*self.scales), *self.splits, self.top])

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def split_latents(self, z):
    """The flat latent's blocks as images.

    Args:
      z: float Tensor `[..., H * W * C]`.

    Returns:
      A list of Tensors `[..., h, w, c]`, one for each scale, the finest first.

    Raises:
      ValueError: for a latent of another size.
    """
    z = tf.convert_to_tensor(z, self.dtype)
    if not z.shape[-1:].is_compatible_with([self.latent_size]):
      raise ValueError(
          f'{self.name}: latents of images {self.image_shape} have {self.latent_size} '
          f'elements, got the shape {z.shape}.')
    if z.shape.rank is not None:
      z = tf.ensure_shape(z, [*z.shape[:-1], self.latent_size])
    sizes = [h * w * c for h, w, c in self.latent_shapes]
    return [
        tf.reshape(block, static_shape.with_last(block, *shape))
        for block, shape in zip(tf.split(z, sizes, axis=-1), self.latent_shapes)]

  def merge_latents(self, latents):
    """The flat latent of a list of Tensors `[..., h, w, c]`, as `split_latents` gives."""
    shapes = [tuple(latent.shape[-3:]) for latent in latents]
    if shapes != self.latent_shapes:
      raise ValueError(
          f'{self.name}: the latents must end in the shapes {self.latent_shapes}, '
          f'got {shapes}.')
    return tf.concat([
        tf.reshape(latent, tf.concat([tf.shape(latent)[:-3], [-1]], 0))
        for latent in latents], -1)

  def initialize(self, images, **conditions):
    """Data-dependent initialisation of every ActNorm, from the image to the latent.

    Explicit, and the only thing that initialises: neither `forward` nor
    `inverse` does. Called in a replica context (`strategy.run`) it uses the
    statistics of the global batch, the same on all replicas.

    Args:
      images: float Tensor `[N, H, W, C]`, a batch of what `inverse` will see.
      **conditions: what `inverse` gets besides.
    """
    fold = batch.Fold(self, images, 3, conditions)
    h = self._checked_images(fold.x)
    for i, scale in enumerate(self.scales):
      conditions = self._conditions_at(i, fold.conditions)
      for bijector in scale:
        z = None
        if hasattr(bijector, 'initialize'):
          z = bijector.initialize(h, **flow_bijector.conditions_for(bijector, conditions))
        if z is None:
          z = flow_bijector.inverse_and_log_det(bijector, h, event_ndims=3, **conditions)[0]
        h = z
      if i < len(self.splits):
        h = flow_bijector.inverse_and_log_det(self.splits[i], h, None, **conditions)[0][0]

  def diagnostics(self):
    """What warns early that the flow is about to stop being invertible.

    Returns:
      A dict of scalar Tensors: `max_abs_log_s`, the largest |log_s| of the LU
      kernels (0 without any), and `max_condition_number` of the 1x1 kernels, the
      largest ratio of singular values (1 without any).
    """
    kernels = [m for m in self.submodules if isinstance(m, channel_linear.ChannelLinear)]
    log_s = [tf.reduce_max(tf.abs(m.log_s)) for m in kernels
             if isinstance(m, invertible_conv.InvertibleConv1x1)]
    conditions = []
    for m in kernels:
      singular_values = tf.linalg.svd(m.kernel(), compute_uv=False)
      conditions.append(
          tf.reduce_max(singular_values[..., 0] / singular_values[..., -1]))
    return {
        'max_abs_log_s': tf.reduce_max([tf.zeros([], self.dtype), *log_s]),
        'max_condition_number': tf.reduce_max([tf.ones([], self.dtype), *conditions]),
    }

  def reconstruction_errors(self, images, **conditions):
    """How far each scale's forward is from undoing its inverse.

    Args:
      images: float Tensor `[N, H, W, C]`.
      **conditions: what `inverse` gets besides.

    Returns:
      A Tensor, for each scale max |scale.forward(scale.inverse(h)) - h| of its
      input h.
    """
    fold = batch.Fold(self, images, 3, conditions)
    h = self._checked_images(fold.x)
    errors = []
    for i, scale in enumerate(self.scales):
      conditions = self._conditions_at(i, fold.conditions)
      before = h
      for bijector in scale:
        h, _ = flow_bijector.inverse_and_log_det(bijector, h, event_ndims=3, **conditions)
      after = h
      for bijector in reversed(scale):
        after, _ = flow_bijector.forward_and_log_det(bijector, after, event_ndims=3, **conditions)
      errors.append(tf.reduce_max(tf.abs(after - before)))
      if i < len(self.splits):
        h = flow_bijector.inverse_and_log_det(self.splits[i], h, None, **conditions)[0][0]
    return tf.stack(errors)

  def _forward_and_log_det(self, z, **conditions):
    latents = self.split_latents(z)
    log_det = tf.zeros(static_shape.sizes(z)[:1], z.dtype)
    h = latents[-1]
    if self.top is not None:
      h, log_det = flow_bijector.forward_and_log_det(self.top, h, event_ndims=3, **conditions)
    for i in reversed(range(len(self.scales))):
      at_scale = self._conditions_at(i, conditions)
      if i < len(self.splits):
        h, fldj = flow_bijector.forward_and_log_det(
            self.splits[i], [h, latents[i]], None, **at_scale)
        log_det += fldj
      for bijector in reversed(self.scales[i]):
        h, fldj = flow_bijector.forward_and_log_det(bijector, h, event_ndims=3, **at_scale)
        log_det += fldj
    return tf.ensure_shape(h, [None, *self.image_shape]), log_det

  def _inverse_and_log_det(self, x, **conditions):
    h = self._checked_images(x)
    log_det = tf.zeros(static_shape.sizes(x)[:1], x.dtype)
    latents = []
    for i, scale in enumerate(self.scales):
      at_scale = self._conditions_at(i, conditions)
      for bijector in scale:
        h, ildj = flow_bijector.inverse_and_log_det(bijector, h, event_ndims=3, **at_scale)
        log_det += ildj
      if i < len(self.splits):
        (h, latent), ildj = flow_bijector.inverse_and_log_det(self.splits[i], h, None, **at_scale)
        log_det += ildj
        latents.append(latent)
    if self.top is not None:
      h, ildj = flow_bijector.inverse_and_log_det(self.top, h, event_ndims=3, **conditions)
      log_det += ildj
    z = self.merge_latents([*latents, h])
    return tf.ensure_shape(z, [None, self.latent_size]), log_det

  def _conditions_at(self, i, conditions):
    """What the bijectors of scale i, and the split after it, get of the conditions."""
    del i
    return conditions

  def _checked_images(self, x):
    """Images `[N, H, W, C]` of a shape that is known as far as that of the flow's is."""
    if not x.shape[1:].is_compatible_with(self.image_shape):
      raise ValueError(
          f'{self.name}: made for images of the shape [..., '
          f'{", ".join(map(str, self.image_shape))}], got {x.shape}.')
    return tf.ensure_shape(x, [None, *self.image_shape])

  def _forward_shape(self, shape):
    if not shape.is_compatible_with([self.latent_size]):
      raise ValueError(
          f'{self.name}: latents of images {self.image_shape} have {self.latent_size} '
          f'elements, got the shape {shape}.')
    return tf.TensorShape(self.image_shape)

  def _inverse_shape(self, shape):
    if not shape.is_compatible_with(self.image_shape):
      raise ValueError(
          f'{self.name}: made for images of the shape {self.image_shape}, got {shape}.')
    return tf.TensorShape([self.latent_size])

  def _forward_shape_tensor(self, shape):
    return tf.constant(self.image_shape)

  def _inverse_shape_tensor(self, shape):
    return tf.constant([self.latent_size])


def _latent_shapes(image_shape, scales):
  shapes = []
  shape = tf.TensorShape(image_shape)
  for i, scale in enumerate(scales):
    for bijector in scale:
      shape = bijector.inverse_event_shape(shape)
    if i < len(scales) - 1:
      height, width, channels = shape
      shape = tf.TensorShape([height, width, channels // 2])
    shapes.append(tuple(shape))
  return shapes
