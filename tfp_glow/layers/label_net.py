"""A network that sees the label of the image beside the image."""

import keras
import tensorflow as tf

__all__ = ['LabelNet']

# Of a label's embedding. A first convolution of few image channels pays for each.
_EMBEDDING_CHANNELS = 4


class LabelNet(keras.layers.Layer):
  """Another network, with an embedding of the label as further channels of its input.

      y = network([x, embedding[label]])

  (The conditional affine coupling of Ardizzone et al. 2019, "Guided image
  generation with conditional invertible neural networks", section 3.1.) The
  embedding is learned and the same at every pixel. Inputs are `[N, H, W, C]` and
  the keyword argument `labels`, int `[N]`; outputs `[N, H, W, out_channels]`.

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
    self.embedding = self.add_weight(
        shape=(self.num_classes, _EMBEDDING_CHANNELS), name='embedding',
        initializer=keras.initializers.RandomNormal(stddev=1., seed=self.seed))
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
    code = tf.matmul(tf.one_hot(labels, self.num_classes, dtype=embedding.dtype), embedding)
    x = tf.cast(x, code.dtype)
    shape = tf.concat([tf.shape(x)[:-1], [_EMBEDDING_CHANNELS]], 0)
    code = tf.broadcast_to(code[:, tf.newaxis, tf.newaxis], shape)
    return tf.concat([x, code], -1)

  def compute_output_shape(self, input_shape):
    return self.network.compute_output_shape(input_shape)
