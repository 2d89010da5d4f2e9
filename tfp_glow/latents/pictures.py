"""Rows of pictures that show a latent space."""

import numpy as np
import tensorflow as tf

from tfp_glow.distributions import random
from tfp_glow.latents import interpolation
from tfp_glow.latents import scales as scales_lib
from tfp_glow.runs import progress

__all__ = ['LatentPictures']


class LatentPictures:
  """Makes grids of images from latents.

  Every method returns a uint8 array `[rows, columns, H, W, C]`.

  Args:
    model: an `ImageModel`.
    batch_size: int, the most images to encode or decode at once.
  """

  def __init__(self, model, batch_size=100):
    self._model = model
    self._shapes = model.flow.latent_shapes
    self._batch_size = batch_size

    @tf.function(reduce_retracing=True)
    def encode(images):
      return model.encode(images, tf.fill(tf.shape(images), .5))

    @tf.function(reduce_retracing=True)
    def decode(latents):
      return model.quantize(model.decode(latents))

    self._encode_batch, self._decode_batch = encode, decode

  def interpolation(self, images, others, columns, method='linear', per_scale=False, scales=None):
    """From each image to another.

    Args:
      images, others: uint8 arrays `[rows, H, W, C]`.
      columns: int, both ends included.
      method, scales: see `interpolate`.
      per_scale: bool, whether each scale has a path of its own.
    """
    shapes = self._shapes if per_scale or scales is not None else None
    return self._draw(interpolation.interpolate(
        self._encode(images), self._encode(others), tf.linspace(0., 1., columns), method, shapes,
        scales))

  def direction(self, images, vector, strengths):
    """Each image moved along a direction `[D]` by each of the strengths `[columns]`."""
    strengths = tf.convert_to_tensor(strengths, tf.float32)
    return self._draw(self._encode(images)[:, None] + strengths[:, None] * vector)

  def mixing(self, coarse, fine):
    """Each image's coarse scales with another's fine ones.

    The first column is `fine`; from one column to the next, one more scale comes from `coarse`,
    beginning with the coarsest, until the last, which is `coarse`.

    Args:
      coarse, fine: uint8 arrays `[rows, H, W, C]`.
    """
    coarse, fine = self._encode(coarse), self._encode(fine)
    return self._draw(tf.stack([
        scales_lib.mix_scales(coarse, fine, self._shapes, num)
        for num in range(len(self._shapes) + 1)], 1))

  def scales(self, num_samples, columns, temperature=1., seed=0):
    """What each scale holds: samples that keep their coarse latents and get fresh fine ones.

    For each of `num_samples` samples there is a row for every number of finest scales that
    are drawn afresh, 1 to L. The first column is the sample itself; the last of the rows has
    nothing in common with it.

    Args:
      num_samples: int.
      columns: int.
      temperature: float.
      seed: int, any.
    """
    seed = random.fold_seed(seed)
    samples = self._model.sample_latents(
        num_samples, temperature, tf.constant([seed, 0], tf.int64))
    rows = []
    for i in progress.progress(range(num_samples), num_samples, 'drawing latents'):
      for num_fresh in range(1, len(self._shapes) + 1):
        fresh = scales_lib.resample_scales(
            tf.repeat(samples[i:i + 1], columns - 1, 0), self._shapes, range(num_fresh),
            temperature, (seed, i + 1))
        rows.append(tf.concat([samples[i:i + 1], fresh], 0))
    return self._draw(tf.stack(rows))

  def _draw(self, latents):
    """uint8 images of latents `[rows, columns, D]`."""
    rows, columns, size = latents.shape
    latents = tf.reshape(latents, [rows * columns, size])
    images = self._in_batches(self._decode_batch, latents, 'decoding images')
    return images.reshape([rows, columns, *self._model.image_shape])

  def _encode(self, images):
    return self._in_batches(self._encode_batch, images, 'encoding images')

  def _in_batches(self, function, inputs, what):
    """A function of every input, as an array."""
    starts = range(0, len(inputs), self._batch_size)
    return np.concatenate([
        function(inputs[start:start + self._batch_size]).numpy()
        for start in progress.progress(starts, len(starts), what)])
