"""Split: half the channels leave the flow, whitened by what stays."""

import tensorflow as tf

from tfp_glow.bijectors import elementwise
from tfp_glow.bijectors import flow_bijector
from tfp_glow.layers import condition
from tfp_glow.layers import conditioner as conditioner_lib
from tfp_glow.layers import context_net
from tfp_glow.layers import conv_net
from tfp_glow.layers import static_shape

__all__ = ['Split']

# The prior's log standard deviation stays within +-4, where float32 inverts well.
_MAX_LOG_STDDEV = 4.


class Split(flow_bijector.FlowBijector):
  """Splits an image's channels into a part that stays and a part that leaves.

      inverse   kept, rest = x[..., :C/2], x[..., C/2:]
                latent = (rest - mean(kept)) / stddev(kept)
      forward   rest = latent * stddev(kept) + mean(kept),   x = [kept, rest]
      log|det d(kept, latent) / dx| = -sum log stddev(kept)

  The latent is standard normal if `rest` is normal given `kept`: the
  conditional Gaussian prior of Glow's multi-scale architecture (Kingma &
  Dhariwal 2018, section 3.6 and figure 2b; Dinh et al. 2017, section 3.6) as a
  part of the bijector. `log stddev = 4 tanh(h / 4)` of the conditioner's h.

  `inverse` maps `[..., H, W, C]` to the pair `[kept, latent]`, `forward` takes
  that pair; C even.

  Args:
    conditioner: maps kept `[N, H, W, C/2]` to `[N, H, W, C]`: mean and h. A
      function, a `tf.Module` or a built Keras layer, or None for a standard
      normal prior.
    dtype: float dtype of the images; None takes what comes.
    validate_args: bool, whether to assert that the conditioner's output is finite.

  Raises:
    ValueError: for images with an odd number of channels.
  """

  def __init__(self, conditioner=None, dtype=None, validate_args=False, name='split'):
    parameters = dict(locals())
    with tf.name_scope(name) as name:
      self._conditioner = conditioner_lib.as_conditioner(conditioner)
      super().__init__(
          forward_min_event_ndims=[3, 3], inverse_min_event_ndims=3, dtype=dtype,
          validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def trainable(cls, num_channels, dtype=tf.float32, name='split', conditions=None,
                image_size=(None, None), seed=0):
    """A split with a prior of its own: a 3x3 convolution that starts at zero.

    Args:
      num_channels: int, C, even.
      dtype: float dtype of the Variables.
      name: str.
      conditions: None, or a dict of `layers.Condition`s by name, which the prior then depends
        on too (`layers.ContextNet`) and `forward` and `inverse` need.
      image_size: `(H, W)` of the images, for the tables of `ContextNet`.
      seed: int, for those tables; all else starts at zero.
    """
    _check_even(name, num_channels)
    dtype_name = tf.as_dtype(dtype).name
    if conditions:
      layer = context_net.ContextNet(
          num_channels, conv_net.ZeroConv2D, conditions, seed, dtype=dtype_name)
    else:
      layer = conv_net.ZeroConv2D(num_channels, dtype=dtype_name)
    layer.build([None, *image_size, num_channels // 2])
    return cls(layer, dtype, name=name)

  @property
  def conditioner(self):
    return self._conditioner

  @property
  def conditions(self):
    return condition.named_conditions(self.conditioner) if self.conditioner else {}

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def _with_channels(self, x):
    """Images whose channels are known where the conditioner says them."""
    given = getattr(self.conditioner, 'in_channels', None)
    if x.shape[-1] is None and given is not None:
      return tf.ensure_shape(x, [*x.shape[:-1], 2 * given])
    return x

  def _prior(self, kept, conditions):
    """The affine map from `rest` to its whitened latent."""
    # A network may compute in another precision than the flow.
    parameters = tf.cast(self.conditioner(kept, **conditions), kept.dtype)
    if self.validate_args:
      parameters = tf.debugging.assert_all_finite(
          parameters, f"{self.name}: the conditioner's output is not finite")
    mean, h = tf.split(parameters, 2, axis=-1)
    log_stddev = _MAX_LOG_STDDEV * tf.tanh(h / _MAX_LOG_STDDEV)
    return elementwise.ShiftAndScale(-mean, -log_stddev)

  def _forward_and_log_det(self, parts, **conditions):
    kept, latent = parts
    if kept.shape[1:] != latent.shape[1:]:
      raise ValueError(
          f'{self.name}: the part that stays and the latent must have one shape, '
          f'got {kept.shape} and {latent.shape}.')
    log_det = tf.zeros(static_shape.sizes(kept)[:1], kept.dtype)
    if self.conditioner is not None:
      latent, log_scale = self._prior(kept, conditions).forward_and_log_det(latent)
      log_det += tf.reduce_sum(log_scale, [1, 2, 3])
    return tf.concat([kept, latent], -1), log_det

  def _inverse_and_log_det(self, x, **conditions):
    _check_even(self.name, x.shape[-1])
    x = self._with_channels(x)
    kept, rest = tf.split(x, 2, axis=-1)
    log_det = tf.zeros(static_shape.sizes(x)[:1], x.dtype)
    if self.conditioner is not None:
      rest, log_scale = self._prior(kept, conditions).inverse_and_log_det(rest)
      log_det += tf.reduce_sum(log_scale, [1, 2, 3])
    return [kept, rest], log_det

  def _forward_shape(self, shapes):
    kept, latent = shapes
    together = None if None in (kept[-1], latent[-1]) else kept[-1] + latent[-1]
    return tf.TensorShape([*kept[:-1], together])

  def _inverse_shape(self, shape):
    half = tf.TensorShape([*shape[:-1], None if shape[-1] is None else shape[-1] // 2])
    return [half, half]

  def _forward_shape_tensor(self, shapes):
    kept, latent = shapes
    return tf.concat([kept[:-1], kept[-1:] + latent[-1:]], 0)

  def _inverse_shape_tensor(self, shape):
    half = tf.concat([shape[:-1], shape[-1:] // 2], 0)
    return [half, half]

  def _forward_dtype(self, dtypes, **kwargs):
    return dtypes[0]

  def _inverse_dtype(self, dtype, **kwargs):
    return [dtype, dtype]


def _check_even(name, num_channels):
  if num_channels is not None and num_channels % 2:
    raise ValueError(
        f'{name}: the image needs an even number of channels to be halved, '
        f'got {num_channels}.')
