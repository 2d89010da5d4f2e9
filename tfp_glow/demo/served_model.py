"""What the page asks an export, in arrays."""

import types

import tensorflow as tf

from tfp_glow import errors
from tfp_glow.data import fields
from tfp_glow.runs import files
from tfp_glow.serving import export_folder

__all__ = ['ServedModel']

_SEED = (0, 0)  # Of the noise: the same picture always gets the same bits/dim.


class ServedModel:
  """An exported SavedModel. All methods may be called from several threads.

  Args:
    path: str, an export or a workdir with one; `~` is the user's home.

  Attributes:
    path: str, of the export.
    image_shape: tuple `(H, W, C)`.
    latent_shapes: list of tuples `(h, w, c)`, the finest scale first.
    temperature: float, the config's.
    dataset_config: an object with the fields of the config's `dataset` part.
    directions: dict of float32 arrays `[D]` by name.
    examples: `serving.Examples` or None.

  Raises:
    UserError: if there is none, it cannot be loaded, or it is a model with classes.
  """

  def __init__(self, path):
    export = export_folder.find_export(path)
    export.check_files()
    description = export.read_description()
    if description['model'].get('num_classes', 0):
      raise errors.UserError(
          f'{export.path} models images given their class; the page needs a run with '
          'model.num_classes=0.')
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

  @property
  def latent_size(self):
    """D."""
    height, width, channels = self.image_shape
    return height * width * channels

  def sample_latent(self, temperature, seed):
    """A latent `[D]` at a temperature, for an int seed."""
    outputs = self._signatures['sample'](
        num=tf.constant(1), temperature=tf.constant(temperature, tf.float32),
        seed=tf.constant([0, seed]))
    return outputs['latents'].numpy()[0]

  def encode(self, image):
    """The latent `[D]` of a uint8 image `[H, W, C]`."""
    outputs = self._signatures['encode'](
        images=tf.constant(image[None]), seed=tf.constant(_SEED))
    return outputs['latents'].numpy()[0]

  def decode(self, latent):
    """The uint8 image `[H, W, C]` of a latent `[D]`."""
    return self._signatures['decode'](latents=tf.constant(latent[None]))['images'].numpy()[0]

  def bits_per_dim(self, image):
    """Bits/dim of a uint8 image `[H, W, C]`, a float."""
    outputs = self._signatures['bits_per_dim'](
        images=tf.constant(image[None]), noise_draws=tf.constant(1), seed=tf.constant(_SEED))
    return float(outputs['bits_per_dim'].numpy()[0])
