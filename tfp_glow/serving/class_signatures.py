"""What a served model of images given their class answers."""

import tensorflow as tf

from tfp_glow import distributions
from tfp_glow.serving import picture_files
from tfp_glow.serving import requests
from tfp_glow.serving import signatures

__all__ = ['ClassSignatures']


class ClassSignatures(signatures.Signatures):
  """An `ImageModel` with classes as functions of Tensors; docs/serving.md lists them.

  Those of `Signatures` that have one image for one latent take `labels` too; `classify` is
  added, and `serving_default` classifies files. Arguments are those of `Signatures`.
  """

  def specs(self):
    images = tf.TensorSpec([None, *self.model.image_shape], tf.uint8, 'images')
    latents = tf.TensorSpec([None, self.model.event_size], tf.float32, 'latents')
    labels = tf.TensorSpec([None], tf.int32, 'labels')
    seed = tf.TensorSpec([2], tf.int32, 'seed')
    noise_draws = tf.TensorSpec([], tf.int32, 'noise_draws')
    return dict(
        log_prob=(images, labels, noise_draws, seed),
        bits_per_dim=(images, labels, noise_draws, seed),
        encode=(images, labels, seed),
        decode=(latents, labels),
        sample=(labels, tf.TensorSpec([], tf.float32, 'temperature'), seed),
        classify=(images, seed),
        **self._specs_of_files())

  def log_prob(self, images, labels, noise_draws, seed):
    """`ImageModel.log_prob_bounds`; draw k has the noise `noise_of_draw(shape, seed, k)`."""
    images = requests.checked_images(images, self.model.image_shape)
    noise_draws = requests.checked_count(noise_draws, 'noise_draws')
    mean, weighted = self.model.log_prob_bounds(
        images, noise_draws,
        lambda draw: distributions.noise_of_draw(tf.shape(images), seed, draw),
        labels=self._checked(labels, tf.shape(images)[0]))
    return dict(log_prob=mean, importance_weighted_log_prob=weighted)

  def bits_per_dim(self, images, labels, noise_draws, seed):
    """`log_prob` in bits per dimension."""
    nats = self.log_prob(images, labels, noise_draws, seed)
    bits = self.model.in_bits_per_dim
    return dict(
        bits_per_dim=bits(nats['log_prob']),
        importance_weighted_bits_per_dim=bits(nats['importance_weighted_log_prob']))

  def encode(self, images, labels, seed):
    """The latents of images of known classes, with the noise of draw 0."""
    images, noise = self._with_noise(images, seed)
    labels = self._checked(labels, tf.shape(images)[0])
    return dict(latents=self.model.encode(images, noise, labels=labels))

  def decode(self, latents, labels):
    latents = requests.checked_latents(latents, self.model.event_size)
    labels = self._checked(labels, tf.shape(latents)[0])
    unrounded = self._decode(latents, labels=labels)
    return dict(images=self.model.quantize(unrounded), unrounded_images=unrounded)

  def sample(self, labels, temperature, seed):
    """An image for each label."""
    num = requests.checked_count(tf.size(labels), 'the number of labels')
    labels = self._checked(labels, num)
    temperature = requests.checked_scalar(temperature, 'temperature', least=0.)
    latents = self.model.sample_latents(num, temperature, seed)
    return dict(images=self._pictures(latents, labels=labels), latents=latents)

  def classify(self, images, seed):
    """log p(image | label) for every label, and what follows where all are equally likely."""
    images, noise = self._with_noise(images, seed)
    log_probs = self.model.class_log_probs(images, noise)
    return dict(class_log_probs=log_probs,
                probabilities=self.model.class_probabilities(log_probs))

  def serving_default(self, image_bytes):
    """`classify` of picture files, with the noise of seed (0, 0)."""
    images = picture_files.decode_files(
        image_bytes, self.model.image_shape, self._dataset_config)
    return self.classify(images, tf.constant([0, 0]))

  def _with_noise(self, images, seed):
    images = requests.checked_images(images, self.model.image_shape)
    noise = distributions.noise_of_draw(tf.shape(images), seed, 0)
    return images, tf.ensure_shape(noise, images.shape)

  def _checked(self, labels, num):
    return requests.checked_labels(labels, self.model.num_classes, num)
