"""What a served model of images given their class answers."""

import tensorflow as tf

from tfp_glow.serving import passes
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
    images, labels, noise_draws, seed = self._checked(
        images=images, labels=labels, noise_draws=noise_draws, seed=seed)
    labels = requests.one_for_each(labels, 'labels', images)
    return self._bounds(images, noise_draws, seed, labels=labels)

  def bits_per_dim(self, images, labels, noise_draws, seed):
    """`log_prob` in bits per dimension."""
    return self._in_bits(self.log_prob(images, labels, noise_draws, seed))

  def encode(self, images, labels, seed):
    """The latents of images of known classes, with the noise of draw 0."""
    images, labels, seed = self._checked(images=images, labels=labels, seed=seed)
    labels = requests.one_for_each(labels, 'labels', images)
    noise = passes.first_noise(images, seed)
    return dict(latents=self._passes.encode(images, noise, dict(labels=labels)))

  def decode(self, latents, labels):
    latents, labels = self._checked(latents=latents, labels=labels)
    return self._decoded(latents, labels=requests.one_for_each(labels, 'labels', latents))

  def sample(self, labels, temperature, seed):
    """An image for each label."""
    labels, temperature, seed = self._checked(labels=labels, temperature=temperature, seed=seed)
    return self._sampled(tf.size(labels), temperature, seed, labels=labels)

  def classify(self, images, seed):
    """log p(image | label) for every label, and what follows where all are equally likely."""
    images, seed = self._checked(images=images, seed=seed)
    return self._classified(images, passes.first_noise(images, seed))

  def serving_default(self, image_bytes):
    """`classify` of picture files, with noise that an image alone decides."""
    images = self._decoded_files(image_bytes)
    return self._classified(images, passes.own_noise(images))

  def _classified(self, images, noise):
    num, _ = requests.limited_product(
        [tf.shape(images)[0], tf.constant(self.model.num_classes)], self.limits.passes,
        'images x classes', 'passes through the flow')
    images, _ = tf.tuple([images, num])
    log_probs = self._passes.class_log_probs(images, noise)
    return dict(class_log_probs=log_probs,
                probabilities=self.model.class_probabilities(log_probs))
