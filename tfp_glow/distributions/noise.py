"""Dequantisation noise that does not depend on how many replicas share a batch."""

import tensorflow as tf

from tfp_glow.distributions import dequantization

__all__ = ['EVALUATION_SEED', 'batch_noise', 'noise_of_images', 'replica_noise']

# Keeps evaluation's noise apart from training's, whose seed is the config's. Further
# draws of it have the seeds below.
EVALUATION_SEED = -1


def batch_noise(seed, number, shape):
  """Uniform noise in [0, 1) for batch `number` of the stream that `seed` names.

  Args:
    seed, number: int64 scalars.
    shape: the global batch's shape.

  Returns:
    float32 Tensor of that shape.
  """
  seed = tf.stack([tf.cast(seed, tf.int64), tf.cast(number, tf.int64)])
  return dequantization.uniform_noise(shape, seed)


def replica_noise(seed, number, images, num_replicas):
  """The rows of `batch_noise` that belong to the calling replica's images.

  Every replica makes the whole batch's noise and keeps its rows, so that an
  image's noise depends on its place in the global batch alone. Call it in a
  replica context.

  Args:
    seed, number: int64 scalars.
    images: Tensor `[n, H, W, C]`, this replica's part of the batch.
    num_replicas: int.

  Returns:
    float32 Tensor `[n, H, W, C]`.
  """
  rows, shape = images.shape[0], images.shape[1:]
  noise = batch_noise(seed, number, [rows * num_replicas, *shape])
  replica = tf.distribute.get_replica_context().replica_id_in_sync_group
  noise = noise[replica * rows:(replica + 1) * rows]
  return tf.ensure_shape(noise, [rows, *shape])


def noise_of_images(seed, numbers, shape):
  """Uniform noise in [0, 1) for images, each by its own number, whatever batch it comes in.

  Args:
    seed: int64 scalar.
    numbers: int64 Tensor `[N]`, such as the images' places in a split.
    shape: `(H, W, C)` of an image.

  Returns:
    float32 Tensor `[N, H, W, C]`.
  """
  seed = tf.cast(seed, tf.int64)
  return tf.map_fn(
      lambda number: dequantization.uniform_noise(shape, tf.stack([seed, number])),
      tf.cast(numbers, tf.int64), fn_output_signature=tf.TensorSpec(shape, tf.float32))
