"""What the page asks an export, in arrays."""

import math
import types

import numpy as np
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.data import fields
from tfp_glow.runs import files
from tfp_glow.serving import export_folder

__all__ = ['ServedModel']

_SEED = (0, 0)  # Of the noise: the same picture always gets the same bits/dim.


class ServedModel:
  """An exported SavedModel. All methods may be called from several threads.

  A label is an int, and None where the model has no classes.

  Args:
    path: str, an export or a workdir with one; `~` is the user's home.

  Attributes:
    path: str, of the export.
    image_shape: tuple `(H, W, C)`.
    latent_shapes: list of tuples `(h, w, c)`, the finest scale first.
    temperature: float, the config's.
    dataset_config: an object with the fields of the config's `dataset` part.
    classes: list of str, the names of the classes; empty without any.
    directions: dict of float32 arrays `[D]` by name.
    examples: `serving.Examples` or None.

  Raises:
    UserError: if there is none, or it cannot be loaded.
  """

  def __init__(self, path):
    export = export_folder.find_export(path)
    export.check_files()
    description = export.read_description()
    self.path = export.path
    self.image_shape = tuple(description['image_shape'])
    self.latent_shapes = [tuple(shape) for shape in description['latent_shapes']]
    self.temperature = float(description['sampling']['temperature'])
    try:
      self.dataset_config = fields.completed(types.SimpleNamespace(**description['dataset']))
    except errors.UserError as error:
      raise errors.UserError(f'{export.description_file} is damaged: {error}.') from error
    self.directions = export.read_directions()
    self.examples = export.read_examples()
    try:
      with files.plain_path(export.path) as readable:
        # Held, since the signatures do not keep the Variables alive.
        self._loaded = tf.saved_model.load(readable)
    except Exception as error:  # Of a damaged file without a manifest, anything.
      raise errors.UserError(
          f'{export.path} cannot be loaded ({files.reason(error)}).') from error
    self._signatures = self._loaded.signatures
    num_classes = description['model'].get('num_classes', 0)
    # Version 0.1 knew the classes by their numbers alone.
    self.classes = description.get('classes') or [str(label) for label in range(num_classes)]

  @property
  def latent_size(self):
    """D."""
    return math.prod(self.image_shape)

  def sample_latent(self, temperature, seed):
    """A latent `[D]` at a temperature, for an int seed; it may be decoded given any label."""
    inputs = dict(temperature=tf.constant(temperature, tf.float32), seed=tf.constant([0, seed]))
    if self.classes:
      outputs = self._given('sample', [0], **inputs)
    else:
      outputs = self._signatures['sample'](num=tf.constant(1), **inputs)
    return outputs['latents'].numpy()[0]

  def encode(self, image):
    """The latent `[D]` of a uint8 image `[H, W, C]`, and its likeliest label."""
    label = int(np.argmax(self._class_log_probs(image))) if self.classes else None
    outputs = self._given('encode', None if label is None else [label],
                          images=tf.constant(image[None]), seed=tf.constant(_SEED))
    return outputs['latents'].numpy()[0], label

  def decode(self, latent, label=None):
    """The uint8 image `[H, W, C]` of a latent `[D]`, given a label where there are classes."""
    outputs = self._given(
        'decode', None if label is None else [label], latents=tf.constant(latent[None]))
    return outputs['images'].numpy()[0]

  def bits_per_dim(self, image):
    """Bits/dim of a uint8 image `[H, W, C]`, a float; with classes, without telling its own."""
    if self.classes:
      log_probs = self._class_log_probs(image)
      log_prob = np.logaddexp.reduce(log_probs) - math.log(len(log_probs))
      return float(-log_prob / (self.latent_size * math.log(2.)))
    outputs = self._signatures['bits_per_dim'](
        images=tf.constant(image[None]), noise_draws=tf.constant(1), seed=tf.constant(_SEED))
    return float(outputs['bits_per_dim'].numpy()[0])

  def _class_log_probs(self, image):
    outputs = self._signatures['classify'](
        images=tf.constant(image[None]), seed=tf.constant(_SEED))
    return outputs['class_log_probs'].numpy()[0].astype(np.float64)

  def _given(self, name, labels, **inputs):
    """A signature that takes labels, which version 0.1 calls as the one that does without."""
    if labels is not None:
      inputs['labels'] = tf.constant(labels, tf.int32)
      name = f'{name}_given_label' if f'{name}_given_label' in self._signatures else name
    return self._signatures[name](**inputs)
