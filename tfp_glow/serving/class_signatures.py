"""What a served model of images given their class answers."""

import tensorflow as tf

from tfp_glow.distributions import classes
from tfp_glow.serving import passes
from tfp_glow.serving import requests
from tfp_glow.serving import signatures

__all__ = ['ClassSignatures']


class ClassSignatures(signatures.Signatures):
  """An `ImageModel` with classes as functions of Tensors; docs/serving.md lists them.

  They take what those of `Signatures` take, and find or draw the labels that nobody tells; only
  `decode` needs them. `classify` and those that are told labels are added, and `serving_default`
  classifies files. Arguments are those of `Signatures`.
  """

  def specs(self):
    specs = super().specs()
    labels = tf.TensorSpec([None], tf.int32, 'labels')
    images, noise_draws, seed = specs['log_prob']
    _, temperature, _ = specs['sample']
    return {
        **specs,
        'decode': (*specs['decode'], labels),
        'classify': (images, seed),
        'log_prob_given_label': (images, labels, noise_draws, seed),
        'bits_per_dim_given_label': (images, labels, noise_draws, seed),
        'encode_given_label': (images, labels, seed),
        'sample_given_label': (labels, temperature, seed),
    }

  def decode(self, latents, labels):  # pylint: disable=arguments-differ
    latents, labels = self._checked(latents=latents, labels=labels)
    return self._decoded(latents, labels=requests.one_for_each(labels, 'labels', latents))

  def log_prob_given_label(self, images, labels, noise_draws, seed):
    """`log_prob` of images of known classes."""
    images, labels, noise_draws, seed = self._checked(
        images=images, labels=labels, noise_draws=noise_draws, seed=seed)
    labels = requests.one_for_each(labels, 'labels', images)
    return self._bounds(images, noise_draws, seed, labels=labels)

  def bits_per_dim_given_label(self, images, labels, noise_draws, seed):
    """`log_prob_given_label` in bits per dimension."""
    return self._in_bits(self.log_prob_given_label(images, labels, noise_draws, seed))

  def encode_given_label(self, images, labels, seed):
    """The latents of images of known classes, with the noise of draw 0."""
    images, labels, seed = self._checked(images=images, labels=labels, seed=seed)
    labels = requests.one_for_each(labels, 'labels', images)
    noise = passes.first_noise(images, seed)
    return dict(latents=self._passes.encode(images, noise, dict(labels=labels)))

  def sample_given_label(self, labels, temperature, seed):
    """An image for each label."""
    labels, temperature, seed = self._checked(labels=labels, temperature=temperature, seed=seed)
    return self._sampled(tf.size(labels), temperature, seed, labels=labels)

  def classify(self, images, seed):
    """log p(image | label) for every label, and what follows where all are equally likely."""
    images, seed = self._checked(images=images, seed=seed)
    return self._classified(images, passes.first_noise(images, seed))

  def serving_default(self, image_bytes):
    """Bits/dim and classes of picture files, with noise that an image alone decides."""
    images = self._decoded_files(image_bytes)
    found = self._classified(images, passes.own_noise(images))
    log_prob = classes.log_mean(found['class_log_probs'])
    return dict(bits_per_dim=self.model.in_bits_per_dim(log_prob), **found)

  def _condition_of(self, images, noise):
    """The likeliest labels."""
    log_probs = self._class_log_probs(images, noise)
    return dict(labels=tf.argmax(log_probs, -1, tf.int32))

  def _condition_of_samples(self, num, seed):
    """Labels by chance."""
    return dict(labels=self.model.sample_labels(num, seed))

  def _classified(self, images, noise):
    log_probs = self._class_log_probs(images, noise)
    return dict(class_log_probs=log_probs,
                probabilities=self.model.class_probabilities(log_probs))

  def _class_log_probs(self, images, noise):
    num, _ = requests.limited_product(
        [tf.shape(images)[0], tf.constant(self.model.num_classes)], self.limits.passes,
        'images x classes', 'passes through the flow')
    images, _ = tf.tuple([images, num])
    return self._passes.class_log_probs(images, noise)
