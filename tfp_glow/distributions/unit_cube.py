"""The distribution of images in the unit cube that a flow makes."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.bijectors import elementwise
from tfp_glow.bijectors import logit

__all__ = ['flow_distribution']

tfd = tfp.distributions
tfb = tfp.bijectors


def flow_distribution(flow, logit_alpha=0.):
  """The distribution of images in the unit cube under a flow.

  Args:
    flow: a `MultiScale` such as `Glow`, from a flat latent to an image.
    logit_alpha: float; above 0, the flow models the logit of the image
      (`bijectors.Logit`), else the image less 1/2.

  Returns:
    A `tfd.TransformedDistribution` over `[H, W, C]` in [0, 1], with a standard
    normal of H * W * C dimensions as its base.
  """
  dtype = flow.dtype
  if logit_alpha > 0.:
    to_unit_cube = logit.Logit(logit_alpha, dtype=dtype)
  else:
    to_unit_cube = elementwise.ShiftAndScale(tf.constant(-0.5, dtype))
  base = tfd.Sample(
      tfd.Normal(tf.zeros([], dtype), tf.ones([], dtype)), [flow.latent_size])
  return tfd.TransformedDistribution(base, tfb.Chain([to_unit_cube, flow]))
