"""What a served model answers: its signatures, each a function of named Tensors."""

import tensorflow as tf

from tfp_glow.latents import interpolation
from tfp_glow.serving import image_seeds
from tfp_glow.serving import passes
from tfp_glow.serving import picture_files
from tfp_glow.serving import requests

__all__ = ['Signatures']


class Signatures(tf.Module):
  """An `ImageModel` as functions of Tensors that check their input, as docs/serving.md lists them.

  Args:
    model: an `ImageModel`.
    dataset_config: the `dataset` part of a config, for the size of files; or None, for a model
      that takes no files.
    directions: a dict of float arrays `[D]` by name.

  Attributes:
    limits: `requests.Limits` of one request.
  """

  def __init__(self, model, dataset_config=None, directions=None):
    super().__init__(name='served_model')
    self.model = model
    self.limits = requests.Limits.of(model.event_size, model.num_classes)
    self._passes = passes.Passes(model)
    self._dataset_config = dataset_config
    # TensorFlow would track a dict, and turn it into a part of the SavedModel.
    self._directions = tuple((directions or {}).items())

  def all(self):
    """The signatures by name, as `tf.saved_model.save` takes them.

    Their inputs may have any shape, so that theirs is compared in the graph; see `requests`.
    """
    return {name: tf.function(getattr(self, name), autograph=False).get_concrete_function(
        *(tf.TensorSpec(None, spec.dtype, spec.name) for spec in specs))
            for name, specs in self.specs().items()}

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
    images, noise_draws, seed = self._checked(images=images, noise_draws=noise_draws, seed=seed)
    return self._bounds(images, noise_draws, seed)

  def bits_per_dim(self, images, noise_draws, seed):
    """`log_prob` in bits per dimension."""
    return self._in_bits(self.log_prob(images, noise_draws, seed))

  def serving_default(self, image_bytes):
    """Bits per dimension of picture files, with one draw of noise that an image alone decides."""
    images = self._decoded_files(image_bytes)
    bits = self._in_bits(self._bounds(images, tf.constant(1), image_seeds.seed_images(images)))
    return dict(bits_per_dim=bits['bits_per_dim'])

  def encode(self, images, seed):
    """The latents of images, with the noise of draw 0."""
    images, seed = self._checked(images=images, seed=seed)
    latents, condition = self._encode(images, passes.first_noise(images, seed))
    return dict(latents=latents, **condition)

  def decode(self, latents):
    latents, = self._checked(latents=latents)
    return self._decoded(latents)

  def sample(self, num, temperature, seed):
    num, temperature, seed = self._checked(num=num, temperature=temperature, seed=seed)
    condition = self._condition_of_samples(num, seed)
    return dict(**self._sampled(num, temperature, seed, **condition), **condition)

  def interpolate(self, images, other_images, num):
    """Along the straight line between latents, `num` images a pair, both ends included."""
    images, other_images, num = self._checked(
        images=images, other_images=other_images, num=num, least_num=2)
    other_images = requests.one_for_each(other_images, 'other_images', images)
    _, num = requests.limited_product(
        [tf.shape(images)[0], num], self.limits.images, 'images x num', 'images')
    images, other_images, num = tf.tuple([images, other_images, num])
    (start, first), (end, last) = self._encode_middle(images), self._encode_middle(other_images)
    weights = tf.linspace(0., 1., num)
    latents = interpolation.interpolate(start, end, weights)
    condition = {name: interpolation.nearer(first[name], last[name], weights) for name in first}
    pictures = self._pictures(
        tf.reshape(latents, [-1, self.model.event_size]), 'images and other_images',
        **{name: tf.reshape(value, [-1]) for name, value in condition.items()})
    return dict(images=tf.reshape(pictures, [-1, num, *self.model.image_shape]), **condition)

  def manipulate(self, images, direction, strength):
    """Moves images along a direction that was found at the export."""
    images, number, strength = self._checked(
        images=images, direction=direction, strength=strength)
    # Without directions no name passes the check; a graph needs something to gather from.
    vectors = [vector for _, vector in self._directions] or [tf.zeros([self.model.event_size])]
    vectors = tf.stack([tf.cast(vector, tf.float32) for vector in vectors])
    return self._move(images, tf.gather(vectors, number), strength, 'strength')

  def manipulate_vector(self, images, vector, strength):
    """Moves images along the client's own direction."""
    images, vector, strength = self._checked(images=images, vector=vector, strength=strength)
    return self._move(images, vector, strength, 'strength x vector')

  def _checked(self, least_num=1, **inputs):
    """Inputs by name, as a list. None of them is used before all were found to be good."""
    model, limits = self.model, self.limits
    checks = dict(
        direction=lambda x, name: requests.checked_name(
            x, name, [direction for direction, _ in self._directions]),
        image_bytes=lambda x, name: requests.checked_files(x, name, limits.images),
        images=lambda x, name: requests.checked_images(x, name, model.image_shape, limits.images),
        labels=lambda x, name: requests.checked_labels(x, name, model.num_classes, limits.images),
        latents=lambda x, name: requests.checked_latents(
            x, name, model.event_size, limits.images),
        noise_draws=lambda x, name: requests.checked_count(x, name, limits.draws),
        num=lambda x, name: requests.checked_count(x, name, limits.images, least_num),
        seed=requests.checked_seed,
        strength=requests.checked_number,
        temperature=lambda x, name: requests.checked_number(x, name, least=0.),
        vector=lambda x, name: requests.checked_vector(x, name, model.event_size))
    checks['other_images'] = checks['images']
    return tf.tuple([checks[name](value, name) for name, value in inputs.items()])

  def _decoded_files(self, image_bytes):
    image_bytes, = self._checked(image_bytes=image_bytes)
    return picture_files.decode_files(image_bytes, self.model.image_shape, self._dataset_config)

  def _bounds(self, images, noise_draws, seeds, **condition):
    factors = dict(images=tf.shape(images)[0], noise_draws=noise_draws)
    if self.model.num_classes and not condition:
      factors['classes'] = tf.constant(self.model.num_classes)
    _, noise_draws, *_ = requests.limited_product(
        list(factors.values()), self.limits.passes, ' x '.join(factors),
        'passes through the flow')
    log_prob_bounds = (
        self._passes.log_prob_bounds_given if condition else self._passes.log_prob_bounds)
    mean, weighted = log_prob_bounds(images, noise_draws, seeds, condition)
    return dict(log_prob=mean, importance_weighted_log_prob=weighted)

  def _in_bits(self, bounds):
    return {name.replace('log_prob', 'bits_per_dim'): self.model.in_bits_per_dim(nats)
            for name, nats in bounds.items()}

  def _sampled(self, num, temperature, seed, **condition):
    latents = self.model.sample_latents(num, temperature, seed)
    return dict(images=self._pictures(latents, 'temperature', **condition), latents=latents)

  def _decoded(self, latents, **condition):
    unrounded = self._unrounded(latents, 'latents', **condition)
    return dict(images=self.model.quantize(unrounded), unrounded_images=unrounded)

  def _move(self, images, vector, strength, cause):
    latents, condition = self._encode_middle(images)
    latents += strength * vector
    return dict(images=self._pictures(latents, cause, **condition), latents=latents, **condition)

  def _encode_middle(self, images):
    """`_encode` without noise of chance; like all latents of an image they decode to it again."""
    return self._encode(images, tf.fill(tf.shape(images), .5))

  def _encode(self, images, noise):
    """The latents of images, and what the model takes them as given."""
    condition = self._condition_of(images, noise)
    return self._passes.encode(images, noise, condition), condition

  def _condition_of(self, images, noise):
    """What images are given of which nothing is told, a dict by name; `noise` as for `encode`."""
    del images, noise
    return {}

  def _condition_of_samples(self, num, seed):
    """What samples are given of which nothing is told, a dict by name."""
    del num, seed
    return {}

  def _unrounded(self, latents, cause, **condition):
    # `model.decode` in two parts: an overflow shows in the flow's output only, before the
    # logistic function or the clipping turn it into a white pixel.
    x = requests.checked_picture(self._passes.forward(latents, condition), cause)
    bijector = self.model.distribution.bijector
    for bijector in reversed(getattr(bijector, 'bijectors', [bijector])[:-1]):
      x = bijector.forward(x)
    return tf.clip_by_value(x, 0., 1.)

  def _pictures(self, latents, cause, **condition):
    return self.model.quantize(self._unrounded(latents, cause, **condition))
