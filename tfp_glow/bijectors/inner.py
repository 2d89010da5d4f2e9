"""The elementwise bijectors that couplings can be asked for, by name."""

import dataclasses
import functools
from typing import Callable

import tensorflow as tf

from tfp_glow.bijectors import elementwise
from tfp_glow.bijectors import mixture_logistics
from tfp_glow.bijectors import spline
from tfp_glow.bijectors import trainable_variable

__all__ = ['INNERS', 'Inner', 'TrainableInner', 'mixture_logistics_inner', 'resolve',
           'spline_inner']


@dataclasses.dataclass(frozen=True)
class Inner:
  """What a coupling applies to its second half, and what it needs of its network.

  Wherever a coupling is chosen by name, an `Inner` may stand instead; and it is a
  callable as `Coupling` takes it.

  Attributes:
    num_parameters: int P, numbers for each transformed channel.
    make: callable that turns the network's output `[..., P * C]` into an
      elementwise bijector on `[..., C]`.
    has_scale: bool, whether `make` has the keyword arguments `scale_map` and
      `log_factor`; see `elementwise.affine`.
  """

  num_parameters: int
  make: Callable
  has_scale: bool = True

  def __call__(self, parameters):
    return self.make(parameters)

  def has_log_factor(self, scale_map):
    """Whether the scale map comes with a Variable `[C]`, its `log_factor`."""
    return self.has_scale and scale_map == 'tanh'

  def bind(self, scale_map, log_factor=None):
    """This one with its scale map settled."""
    if not self.has_scale:
      return self
    make = functools.partial(self.make, scale_map=scale_map, log_factor=log_factor)
    return Inner(self.num_parameters, make, has_scale=False)


def mixture_logistics_inner(num_components=8):
  """Flow++'s mixture of logistics with another number of components; see `MixtureLogistics`.

  Raises:
    ValueError: for fewer than one component.
  """
  if num_components < 1:
    raise ValueError(
        f'a mixture of logistics needs at least 1 component, got num_components={num_components}.')
  return Inner(3 * num_components + 2, functools.partial(
      mixture_logistics.mixture_logistics, num_components=num_components))


def spline_inner(num_bins=8, limit=4.):
  """A rational-quadratic spline with other bins or another range; see `AffineSpline`.

  Raises:
    ValueError: for fewer than one bin or more than 99, which could not all be as wide as
      the least share of the range, or a limit that is not positive.
  """
  spline.check_size(num_bins, limit)
  return Inner(3 * num_bins + 1, functools.partial(
      spline.spline, num_bins=num_bins, limit=limit))


INNERS = {
    'affine': Inner(2, elementwise.affine),
    'additive': Inner(1, elementwise.additive, has_scale=False),
    'mixture_logistics': mixture_logistics_inner(),
    'spline': spline_inner(),
}


def resolve(inner, scale_map='sigmoid'):
  """The `Inner` of a name, or the given one.

  Raises:
    ValueError: for an unknown name or scale map.
  """
  if scale_map not in elementwise.SCALE_MAPS:
    raise ValueError(
        f'scale_map must be one of {tuple(elementwise.SCALE_MAPS)}, got {scale_map!r}.')
  if isinstance(inner, Inner):
    return inner
  if inner not in INNERS:
    raise ValueError(f'coupling must be one of {tuple(INNERS)}, or an Inner, got {inner!r}.')
  return INNERS[inner]


class TrainableInner(tf.Module):
  """An `Inner` with the Variable that its scale map needs, as `Coupling` takes it.

  Args:
    inner: an `Inner`.
    num_channels: int, C, the transformed channels.
    scale_map: "sigmoid" or "tanh".
    dtype: float dtype of the Variable.
  """

  def __init__(self, inner, num_channels, scale_map='sigmoid', dtype=tf.float32):
    super().__init__(name='inner')
    self.log_factor = None
    if inner.has_log_factor(scale_map):
      self.log_factor = trainable_variable.make(
          tf.zeros([num_channels], dtype), 'log_factor')
    self._inner = inner.bind(scale_map, self.log_factor)

  @property
  def num_parameters(self):
    return self._inner.num_parameters

  def __call__(self, parameters):
    return self._inner(parameters)
