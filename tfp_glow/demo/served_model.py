"""What the page asks an export, in arrays."""

import dataclasses
import math
import types

import numpy as np
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.data import fields
from tfp_glow.runs import files
from tfp_glow.serving import export_folder
from tfp_glow.serving import image_seeds

__all__ = ['Reading', 'ServedModel']

_SEED = (0, 0)  # Of the noise of many images.


@dataclasses.dataclass
class Reading:
  """What a model makes of a picture.

  Attributes:
    latent: float32 array `[D]`, given the likeliest class.
    label: int, the likeliest class, and probabilities: float array `[classes]`, those of the
      classes, all being equally likely before; None without classes.
    bits_per_dim: float; with classes it is that of the picture without its class.
  """

  latent: np.ndarray
  label: int | None
  probabilities: np.ndarray | None
  bits_per_dim: float


class ServedModel:
  """An exported SavedModel. All methods may be called from several threads.

  A label is an int, and None where the model has no classes.

  Args:
    path: str, an export or a workdir with one; `~` is the user's home.

  Attributes:
    path: str, of the export.
    name: str, of the data set.
    step: int, after which the weights were exported.
    trained: str, the day on which they were trained, and exported: str, that of the export; None
      where that was not written down.
    num_weights: int.
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
    self.name = str(description['dataset'].get('name', 'images'))
    self.step = description['step']
    self.trained = description.get('trained')
    self.exported = description.get('exported')
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
    self.num_weights = sum(variable.shape.num_elements() for variable in
                           self._signatures['encode'].trainable_variables)
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

  def read(self, image):
    """The `Reading` of a uint8 image `[H, W, C]`, with the noise of `serving_default`."""
    seed = image_seeds.seed_images(image[None])[0]
    if not self.classes:
      return Reading(self.encode_all(image[None])[0], None, None,
                     float(self.bits_per_dim_given(image[None], seed=seed)[0]))
    log_probs = self.class_log_probs(image[None], seed)[0]
    total = np.logaddexp.reduce(log_probs)
    label = int(np.argmax(log_probs))
    return Reading(
        self.encode_all(image[None], [label])[0], label, np.exp(log_probs - total),
        float((math.log(len(log_probs)) - total) / (self.latent_size * math.log(2.))))

  def decode(self, latent, label=None):
    """The uint8 image `[H, W, C]` of a latent `[D]`, given a label where there are classes."""
    return self.decode_all(latent[None], None if label is None else [label])[0]

  def decode_all(self, latents, labels=None):
    """uint8 images `[N, H, W, C]` of latents `[N, D]`, given N labels where there are classes."""
    return self._given('decode', labels, latents=tf.constant(latents))['images'].numpy()

  def encode_all(self, images, labels=None, seed=0):
    """Latents `[N, D]` of images `[N, H, W, C]`, given N labels where there are classes."""
    return self._given('encode', labels, images=tf.constant(images),
                       seed=tf.constant([0, seed]))['latents'].numpy()

  def bits_per_dim_given(self, images, labels=None, seed=_SEED):
    """Bits/dim `[N]` of images `[N, H, W, C]`, given N labels where there are classes."""
    return self._given('bits_per_dim', labels, images=tf.constant(images),
                       noise_draws=tf.constant(1), seed=tf.constant(seed))['bits_per_dim'].numpy()

  def class_log_probs(self, images, seed=_SEED):
    """log P(image | class) in nats, float64 `[N, classes]`, of images `[N, H, W, C]`."""
    outputs = self._signatures['classify'](images=tf.constant(images), seed=tf.constant(seed))
    return outputs['class_log_probs'].numpy().astype(np.float64)

  def _given(self, name, labels, **inputs):
    """A signature that takes labels, which version 0.1 calls as the one that does without."""
    if labels is not None:
      inputs['labels'] = tf.constant(labels, tf.int32)
      name = f'{name}_given_label' if f'{name}_given_label' in self._signatures else name
    return self._signatures[name](**inputs)
