"""What a served model answers: its signatures, each a function of named Tensors."""

import tensorflow as tf

from tfp_glow import distributions
from tfp_glow.serving import picture_files
from tfp_glow.serving import requests

__all__ = ['Signatures']


class Signatures(tf.Module):
  """An `ImageModel` as functions of Tensors that check their input; the README lists them.

  Args:
    model: an `ImageModel`.
    dataset_config: the `dataset` part of a config, for the size of files; or None, for a model
      that takes no files.
    directions: a dict of float arrays `[D]` by name.
  """

  def __init__(self, model, dataset_config=None, directions=None):
    super().__init__(name='served_model')
    self.model = model
    self._dataset_config = dataset_config
    # TensorFlow would track a dict, and turn it into a part of the SavedModel.
    self._directions = tuple((directions or {}).items())

  def all(self):
    """The signatures by name, as `tf.saved_model.save` takes them."""
    return {name: tf.function(getattr(self, name), input_signature=spec).get_concrete_function()
            for name, spec in self.specs().items()}

  def specs(self):
    """The names of the signatures, and their inputs as tuples of `tf.TensorSpec`."""
    shape, size = self.model.image_shape, self.model.event_size
    images = tf.TensorSpec([None, *shape], tf.uint8, 'images')
    latents = tf.TensorSpec([None, size], tf.float32, 'latents')
    seed = tf.TensorSpec([2], tf.int32, 'seed')
    num = tf.TensorSpec([], tf.int32, 'num')
    noise_draws = tf.TensorSpec([], tf.int32, 'noise_draws')
    temperature = tf.TensorSpec([], tf.float32, 'temperature')
    strength = tf.TensorSpec([], tf.float32, 'strength')
    specs = dict(
        log_prob=(images, noise_draws, seed),
        bits_per_dim=(images, noise_draws, seed),
        encode=(images, seed),
        decode=(latents,),
        sample=(num, temperature, seed),
        interpolate=(images, tf.TensorSpec([None, *shape], tf.uint8, 'other_images'), num),
        manipulate=(images, tf.TensorSpec([], tf.string, 'direction'), strength),
        manipulate_vector=(images, tf.TensorSpec([size], tf.float32, 'vector'), strength),
    )
    return {**specs, **self._specs_of_files()}

  def _specs_of_files(self):
    if self._dataset_config is None or not picture_files.can_decode(self.model.image_shape):
      return {}
    return dict(serving_default=(tf.TensorSpec([None], tf.string, 'image_bytes'),))

  def log_prob(self, images, noise_draws, seed):
    """`ImageModel.log_prob_bounds`; draw k has the noise `noise_of_draw(shape, seed, k)`."""
    images = requests.checked_images(images, self.model.image_shape)
    noise_draws = requests.checked_count(noise_draws, 'noise_draws')
    mean, weighted = self.model.log_prob_bounds(
        images, noise_draws,
        lambda draw: distributions.noise_of_draw(tf.shape(images), seed, draw))
    return dict(log_prob=mean, importance_weighted_log_prob=weighted)

  def bits_per_dim(self, images, noise_draws, seed):
    """`log_prob` in bits per dimension."""
    nats = self.log_prob(images, noise_draws, seed)
    bits = self.model.in_bits_per_dim
    return dict(
        bits_per_dim=bits(nats['log_prob']),
        importance_weighted_bits_per_dim=bits(nats['importance_weighted_log_prob']))

  def serving_default(self, image_bytes):
    """Bits per dimension of picture files, with one draw of the noise of seed (0, 0)."""
    images = picture_files.decode_files(
        image_bytes, self.model.image_shape, self._dataset_config)
    result = self.bits_per_dim(images, tf.constant(1), tf.constant([0, 0]))
    return dict(bits_per_dim=result['bits_per_dim'])

  def encode(self, images, seed):
    """The latents of images, with the noise of draw 0."""
    images = requests.checked_images(images, self.model.image_shape)
    noise = distributions.noise_of_draw(tf.shape(images), seed, 0)
    return dict(latents=self.model.encode(images, tf.ensure_shape(noise, images.shape)))

  def decode(self, latents):
    latents = requests.checked_latents(latents, self.model.event_size)
    unrounded = self._decode(latents)
    return dict(images=self.model.quantize(unrounded), unrounded_images=unrounded)

  def sample(self, num, temperature, seed):
    num = requests.checked_count(num, 'num')
    temperature = requests.checked_scalar(temperature, 'temperature', least=0.)
    latents = self.model.sample_latents(num, temperature, seed)
    return dict(images=self._pictures(latents), latents=latents)

  def interpolate(self, images, other_images, num):
    """Along the straight line between latents, `num` images a pair, both ends included."""
    shape = self.model.image_shape
    images = requests.checked_images(images, shape)
    other_images = requests.checked_images(other_images, shape, 'other_images')
    counts = tf.stack([tf.shape(images)[0], tf.shape(other_images)[0]])
    images = requests.require(
        tf.equal(counts[0], counts[1]), 'images and other_images must be equally many', counts,
        images)
    num = requests.checked_count(num, 'num', least=2)
    start, end = self._encode_middle(images), self._encode_middle(other_images)
    weights = tf.linspace(0., 1., num)[None, :, None]
    latents = (1. - weights) * start[:, None] + weights * end[:, None]
    pictures = self._pictures(tf.reshape(latents, [-1, self.model.event_size]))
    return dict(images=tf.reshape(pictures, [-1, num, *shape]))

  def manipulate(self, images, direction, strength):
    """Moves images along a direction that was found at the export."""
    names = [name for name, _ in self._directions]
    known = ', '.join(names) if names else 'none, the export was made without any'
    is_named = tf.equal(direction, tf.constant(names, tf.string))
    is_named = requests.require(
        tf.reduce_any(is_named), f'the directions are: {known}', direction, is_named)
    if not names:
      vector = tf.zeros([self.model.event_size])
    else:
      vectors = tf.stack([tf.constant(vector, tf.float32) for _, vector in self._directions])
      vector = tf.gather(vectors, tf.argmax(tf.cast(is_named, tf.int32)))
    return self._move(images, vector, strength)

  def manipulate_vector(self, images, vector, strength):
    """Moves images along the client's own direction."""
    vector = requests.checked_vector(vector, self.model.event_size, 'vector')
    return self._move(images, vector, strength)

  def _move(self, images, vector, strength):
    images = requests.checked_images(images, self.model.image_shape)
    strength = requests.checked_scalar(strength, 'strength')
    latents = self._encode_middle(images) + strength * vector
    return dict(images=self._pictures(latents), latents=latents)

  def _encode_middle(self, images):
    """Latents without noise of chance; like all latents of an image they decode to it again."""
    return self.model.encode(images, tf.fill(tf.shape(images), .5))

  def _decode(self, latents, **condition):
    # `model.decode` in two parts: an overflow shows in the flow's output only, before the
    # logistic function or the clipping turn it into a white pixel.
    *outer, flow = self.model.distribution.bijector.bijectors
    x = requests.checked_picture(flow.forward(latents, **condition))
    for bijector in reversed(outer):
      x = bijector.forward(x)
    return tf.clip_by_value(x, 0., 1.)

  def _pictures(self, latents, **condition):
    return self.model.quantize(self._decode(latents, **condition))
