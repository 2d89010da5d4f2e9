"""A network that sees the label of the image beside the image."""

import keras
import tensorflow as tf

__all__ = ['LabelNet']

# Of a label's embedding. A first convolution of few image channels pays for each.
_EMBEDDING_CHANNELS = 4


class LabelNet(keras.layers.Layer):
  """Another network, with an embedding of the label as further channels of its input.

      y = network([x, embedding[label]])

  (The conditional coupling of Ardizzone et al. 2019, "Guided image generation with
  conditional invertible neural networks", section 3.1.) The embedding is an image
  of a few channels for each class: it starts the same at every pixel and is
  learned for each of them, so that a class can say where its ink is. Built for
  images of unknown size, it has one pixel. Inputs are `[N, H, W, C]` and the keyword
  argument `labels`, int `[N]`; outputs `[N, H, W, out_channels]`.

  Args:
    out_channels: int.
    network: callable `network(out_channels, seed=..., dtype=...)` that makes the
      unbuilt layer.
    num_classes: int.
    seed: int, for the initial weights.
  """

  def __init__(self, out_channels, network, num_classes, seed=0, **kwargs):
    super().__init__(**kwargs)
    self.num_classes = num_classes
    self.seed = seed
    self.network = network(out_channels, seed=seed, dtype=self.dtype_policy.name)

  def build(self, input_shape):
    height, width = (size or 1 for size in input_shape[1:3])
    self.embedding = self.add_weight(
        shape=(self.num_classes, height, width, _EMBEDDING_CHANNELS), name='embedding',
        initializer=self._same_at_every_pixel)
    self.network.build((*input_shape[:-1], input_shape[-1] + _EMBEDDING_CHANNELS))

  def call(self, x, labels):
    return self.network(self._with_label(x, labels))

  def initialize(self, x, labels):
    """Data-dependent initialisation of the network, where it has any."""
    if hasattr(self.network, 'initialize'):
      self.network.initialize(self._with_label(x, labels))

  def _with_label(self, x, labels):
    embedding = tf.convert_to_tensor(self.embedding)
    # A product and no gather: its gradient is dense, as a loop over steps wants it.
    chosen = tf.one_hot(labels, self.num_classes, dtype=embedding.dtype)
    code = tf.matmul(chosen, tf.reshape(embedding, [self.num_classes, -1]))
    code = tf.reshape(code, [-1, *embedding.shape[1:]])
    x = tf.cast(x, code.dtype)
    shape = tf.concat([tf.shape(x)[:-1], [_EMBEDDING_CHANNELS]], 0)
    return tf.concat([x, tf.broadcast_to(code, shape)], -1)

  def _same_at_every_pixel(self, shape, dtype=None):
    normal = keras.initializers.RandomNormal(stddev=1., seed=self.seed)
    return tf.broadcast_to(normal([shape[0], 1, 1, shape[-1]], dtype=dtype), shape)

  def compute_output_shape(self, input_shape):
    return self.network.compute_output_shape(input_shape)
