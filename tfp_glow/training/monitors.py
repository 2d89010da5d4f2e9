"""Warnings that a flow is about to stop being invertible."""

import itertools
import math

import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import distributions

__all__ = ['Monitors', 'drift', 'drifted_levels', 'has_reversible_levels', 'level_drifts']

# Which field of `config.recovery` limits which reading, and what the reading is.
_LIMITS = {
    'max_abs_log_s': ('max_log_s', 'largest |log_s| of a 1x1 convolution'),
    'max_condition_number': ('max_condition_number', 'condition number of a 1x1 kernel'),
    'reconstruction_error': ('max_reconstruction_error', 'largest reconstruction error of a pixel'),
}


class Monitors:
  """Reads the health of a model on a held batch.

  Args:
    model: an `ImageModel`.
    images: uint8 array `[N, H, W, C]`, the held batch.
    conditions: None or a dict of arrays `[N, ...]` by the names of the model's conditions.
    watch_levels: bool, whether to read each level's reconstruction error too.
  """

  def __init__(self, model, images, conditions=None, watch_levels=False):
    self._model = model
    self._watch_levels = watch_levels
    self._images = tf.constant(images)
    self._conditions = {name: tf.constant(value) for name, value in (conditions or {}).items()}

  def __call__(self):
    """The readings as a dict of floats.

    `reconstruction_error`: max |forward(inverse(x)) - x| over the pixels of the
    held batch, on the scale where an image lies in [0, 1]. `max_abs_log_s` and
    `max_condition_number`: see `MultiScale.diagnostics`. `level_<i>_drift`: what
    level i makes of its input that way, in units of that input.
    """
    return {name: float(value) for name, value in self._read().items()}

  @tf.function(autograph=False)
  def _read(self):
    model = self._model
    middle = tf.fill(self._images.shape, .5)
    x = distributions.dequantize(self._images, middle, model.n_bits)
    latents = model.encode(self._images, middle, **self._conditions)
    error = model.decode(latents, **self._conditions) - x
    readings = {
        'reconstruction_error': tf.reduce_max(tf.abs(error)), **model.flow.diagnostics()}
    if self._watch_levels:
      errors = model.reconstruction_errors(self._images, middle, **self._conditions)
      readings.update({f'level_{i}_drift': value for i, value in enumerate(tf.unstack(errors))})
    return readings


def has_reversible_levels(flow):
  """Whether a `MultiScale` has levels that recompute their activations from their output."""
  return any(isinstance(bijector, bijectors.GlowLevel) and bijector.reversible
             for scale in flow.scales for bijector in scale)


def level_drifts(readings):
  """The values of `level_<i>_drift`, a list."""
  names = (f'level_{i}_drift' for i in itertools.count())
  return [readings[name] for name in itertools.takewhile(readings.__contains__, names)]


def drifted_levels(drifts, limit):
  """The levels whose gradients are too imprecise.

  The backward pass of a reversible level undoes the level from its output, so its
  gradients are as exact as what comes out at the bottom.

  Args:
    drifts: list of floats, see `level_drifts`.
    limit: float, in units of a level's input; 0 for no limit.

  Returns:
    A set of ints.
  """
  return {i for i, value in enumerate(drifts) if limit and not value <= limit}


def drift(readings, limits):
  """Why readings call for a recovery, or None.

  Args:
    readings: dict of floats; those without a limit are passed over.
    limits: `config.recovery`, with `max_reconstruction_error`, `max_log_s` and
      `max_condition_number`; 0 stands for no limit.
  """
  problems = []
  for name, (field, what) in _LIMITS.items():
    limit, value = limits[field], readings.get(name)
    if value is None or not limit:
      continue
    if not math.isfinite(value) or value > limit:
      problems.append(f'{what} is {value:.4g}, above recovery.{field}={limit:g}')
  return '; '.join(problems) or None
