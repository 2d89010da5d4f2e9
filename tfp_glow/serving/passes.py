"""The passes through a flow that signatures are made of."""

import tensorflow as tf

from tfp_glow import distributions
from tfp_glow.serving import image_seeds

__all__ = ['Passes', 'first_noise', 'own_noise']


class Passes:
  """Each pass as one traced function, which all signatures that need it call.

  So the SavedModel holds the flow once for each, however many signatures there are. No tf.Module:
  a SavedModel would take the functions for a part of what it offers.

  Args:
    model: an `ImageModel`.

  Attributes:
    encode: function of uint8 images `[N, H, W, C]`, float32 noise of the same shape and a
      condition to latents `[N, D]`.
    forward: function of latents `[N, D]` and a condition to what the flow makes of them,
      `[N, H, W, C]`, before it becomes an image in the unit cube.
    log_prob_bounds: function of images, an int32 number of draws, int32 seeds and no condition,
      `{}`, to the pair of `ImageModel.log_prob_bounds`; the seeds are one of all images, `[2]`, or
      one of each, `[N, 2]`.
    log_prob_bounds_given: the same with a condition.
    class_log_probs: function of images and noise to float32 `[N, num_classes]`.

  A condition is a dict of the keyword arguments that the model's methods take besides: the labels
  of a model with classes.
  """

  def __init__(self, model):
    images = tf.TensorSpec([None, *model.image_shape], tf.uint8)
    noise = tf.TensorSpec(images.shape, tf.float32)
    latents = tf.TensorSpec([None, model.event_size], tf.float32)
    condition = dict(labels=tf.TensorSpec([None], tf.int32)) if model.num_classes else {}

    @tf.function(autograph=False, input_signature=[images, noise, condition])
    def encode(images, noise, condition):
      return model.encode(images, noise, **condition)

    @tf.function(autograph=False, input_signature=[latents, condition])
    def forward(latents, condition):
      return model.flow.forward_and_log_det(latents, **condition)[0]

    def bounds(condition):
      @tf.function(autograph=False, input_signature=[
          images, tf.TensorSpec([], tf.int32), tf.TensorSpec(None, tf.int32), condition])
      def log_prob_bounds(images, noise_draws, seeds, condition):
        def noise_of_draw(draw):
          return tf.cond(
              tf.rank(seeds) > 1, lambda: _noise_by_seeds(images, seeds, draw),
              lambda: distributions.noise_of_draw(tf.shape(images), seeds, draw))

        return model.log_prob_bounds(images, noise_draws, noise_of_draw, **condition)

      return log_prob_bounds

    @tf.function(autograph=False, input_signature=[images, noise])
    def class_log_probs(images, noise):
      return model.class_log_probs(images, noise)

    self.encode = encode
    self.forward = forward
    self.log_prob_bounds = bounds({})
    self.log_prob_bounds_given = bounds(condition)
    self.class_log_probs = class_log_probs


def first_noise(images, seed):
  """The noise of draw 0 for images `[N, H, W, C]`, float32 of their shape."""
  noise = distributions.noise_of_draw(tf.shape(images), seed, 0)
  return tf.ensure_shape(noise, images.shape)


def own_noise(images):
  """Noise that an image alone decides, for images `[N, H, W, C]`, float32 of their shape.

  For each that of draw 0 alone, with the seed of `image_seeds.seed_images`.
  """
  return _noise_by_seeds(images, image_seeds.seed_images(images), 0)


def _noise_by_seeds(images, seeds, draw):
  shape = images.shape[1:]
  return tf.map_fn(lambda seed: distributions.noise_of_draw(shape, seed, draw), seeds,
                   fn_output_signature=tf.TensorSpec(shape, tf.float32))
