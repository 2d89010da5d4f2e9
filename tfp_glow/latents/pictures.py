"""Rows of pictures that show a latent space."""

import numpy as np
import tensorflow as tf

from tfp_glow import progress
from tfp_glow.distributions import random
from tfp_glow.latents import interpolation
from tfp_glow.latents import scales as scales_lib

__all__ = ['LatentPictures']


class LatentPictures:
  """Makes grids of images from latents.

  Every method returns a uint8 array `[rows, columns, H, W, C]`. Of a model with classes each image
  may come with its label, int `[rows]`; else it is taken for one of its likeliest class.

  Args:
    model: an `ImageModel`.
    batch_size: int, the most images to encode or decode at once.
  """

  def __init__(self, model, batch_size=100):
    self._model = model
    self._shapes = model.flow.latent_shapes
    self._batch_size = batch_size

    @tf.function(autograph=False, reduce_retracing=True)
    def encode(images, labels):
      return model.encode(images, _middle(images), labels=labels)

    @tf.function(autograph=False, reduce_retracing=True)
    def decode(latents, labels):
      return model.quantize(model.decode(latents, labels=labels))

    @tf.function(autograph=False, reduce_retracing=True)
    def likeliest_labels(images):
      return model.likeliest_labels(images, _middle(images))

    self._encode_batch, self._decode_batch = encode, decode
    self._likeliest_labels = likeliest_labels

  def interpolation(self, images, others, columns, method='linear', per_scale=False, scales=None,
                    labels=None, other_labels=None):
    """From each image to another.

    With classes, what lies nearer to the other one is decoded given its label.

    Args:
      images, others: uint8 arrays `[rows, H, W, C]`.
      columns: int, both ends included.
      method, scales: see `interpolate`.
      per_scale: bool, whether each scale has a path of its own.
      labels, other_labels: None or int arrays `[rows]`.
    """
    shapes = self._shapes if per_scale or scales is not None else None
    weights = tf.linspace(0., 1., columns)
    (start, labels), (end, other_labels) = (
        self._encode(images, labels), self._encode(others, other_labels))
    if labels is not None:
      labels = interpolation.nearer(labels, other_labels, weights)
    return self._draw(
        interpolation.interpolate(start, end, weights, method, shapes, scales), labels)

  def direction(self, images, vector, strengths, labels=None):
    """Each image moved along a direction `[D]` by each of the strengths `[columns]`."""
    strengths = tf.convert_to_tensor(strengths, tf.float32)
    latents, labels = self._encode(images, labels)
    return self._draw(latents[:, None] + strengths[:, None] * vector,
                      None if labels is None else np.repeat(labels[:, None], len(strengths), 1))

  def classes(self, images, wanted, labels=None):
    """Each image as one of other classes: encoded given its label, decoded given theirs.

    Args:
      images: uint8 array `[rows, H, W, C]`.
      wanted: int array `[columns]`, labels.
      labels: None or int array `[rows]`.
    """
    latents, _ = self._encode(images, labels)
    shape = [len(images), len(wanted)]
    return self._draw(np.repeat(latents[:, None], len(wanted), 1), np.broadcast_to(wanted, shape))

  def mixing(self, coarse, fine, coarse_labels=None, fine_labels=None):
    """Each image's coarse scales with another's fine ones.

    The first column is `fine`; from one column to the next, one more scale comes from `coarse`,
    beginning with the coarsest, until the last, which is `coarse`. With classes, all but the first
    are decoded given the label of `coarse`.

    Args:
      coarse, fine: uint8 arrays `[rows, H, W, C]`.
      coarse_labels, fine_labels: None or int arrays `[rows]`.
    """
    (coarse, labels), (fine, fine_labels) = (
        self._encode(coarse, coarse_labels), self._encode(fine, fine_labels))
    if labels is not None:
      labels = np.stack([fine_labels, *[labels] * len(self._shapes)], 1)
    return self._draw(tf.stack([
        scales_lib.mix_scales(coarse, fine, self._shapes, num)
        for num in range(len(self._shapes) + 1)], 1), labels)

  def scales(self, num_samples, columns, temperature=1., seed=0, labels=None):
    """What each scale holds: samples that keep their coarse latents and get fresh fine ones.

    For each of `num_samples` samples there is a row for every number of finest scales that
    are drawn afresh, 1 to L. The first column is the sample itself; the last of the rows has
    nothing in common with it but, with classes, its label.

    Args:
      num_samples: int.
      columns: int.
      temperature: float.
      seed: int, any.
      labels: None or int array `[num_samples]`; by default drawn, all being equally likely.
    """
    seed = random.fold_seed(seed)
    samples = self._model.sample_latents(
        num_samples, temperature, tf.constant([seed, 0], tf.int64))
    if labels is None and self._model.num_classes:
      labels = self._model.sample_labels(num_samples, tf.constant([seed, 0], tf.int64)).numpy()
    rows = []
    for i in progress.progress(range(num_samples), num_samples, 'drawing latents'):
      for num_fresh in range(1, len(self._shapes) + 1):
        fresh = scales_lib.resample_scales(
            tf.repeat(samples[i:i + 1], columns - 1, 0), self._shapes, range(num_fresh),
            temperature, (seed, i + 1))
        rows.append(tf.concat([samples[i:i + 1], fresh], 0))
    if labels is not None:
      labels = np.repeat(labels, len(self._shapes))[:, None].repeat(columns, 1)
    return self._draw(tf.stack(rows), labels)

  def _draw(self, latents, labels):
    """uint8 images of latents `[rows, columns, D]` and labels `[rows, columns]` or None."""
    rows, columns, size = latents.shape
    latents = tf.reshape(latents, [rows * columns, size])
    labels = None if labels is None else np.reshape(labels, [rows * columns])
    images = self._in_batches(self._decode_batch, 'decoding images', latents, labels)
    return images.reshape([rows, columns, *self._model.image_shape])

  def _encode(self, images, labels):
    """The latents of images, and the labels that these are given; None without classes."""
    if not self._model.num_classes:
      labels = None
    elif labels is None:
      labels = self._in_batches(self._likeliest_labels, 'classifying images', images)
    return self._in_batches(self._encode_batch, 'encoding images', images, labels), labels

  def _in_batches(self, function, what, *inputs):
    """A function of every row of the inputs, of which some may be None, as an array."""
    starts = range(0, len(inputs[0]), self._batch_size)
    batch = lambda value, start: None if value is None else (
        tf.convert_to_tensor(value[start:start + self._batch_size]))
    return np.concatenate([
        function(*[batch(value, start) for value in inputs]).numpy()
        for start in progress.progress(starts, len(starts), what)])


def _middle(images):
  """Noise without chance."""
  return tf.fill(tf.shape(images), .5)
