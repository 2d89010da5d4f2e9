"""A network that sees what the image is given: labels, vectors or images, beside its input."""

import functools

import keras
import tensorflow as tf

from tfp_glow.layers import condition as condition_lib
from tfp_glow.layers import seeds
from tfp_glow.layers import static_shape

__all__ = ['ContextNet']

# Of a label's or a vector's embedding. A first convolution of few image channels pays for each.
_EMBEDDING_CHANNELS = 4


@keras.saving.register_keras_serializable('tfp_glow')
class ContextNet(keras.layers.Layer):
  """Another network, with its conditions as further channels of its input.

      y = network([x, code_1, code_2, ...])
      code = table[label]   of a label,   v table   of a vector v,   the image itself   of an image

  (The conditional coupling of Ardizzone et al. 2019, "Guided image generation with
  conditional invertible neural networks", section 3.1.) A table has an image of a few
  channels for each class or element: it starts the same at every pixel and is
  learned for each of them, so that a class can say where its ink is. Built for
  images of unknown size, it has one pixel. Inputs are `[N, H, W, C]` and, as keyword
  arguments, the conditions `[N, ...]`; outputs `[N, H, W, out_channels]`.

  Args:
    out_channels: int.
    network: callable `network(out_channels, seed=..., dtype=...)` that makes the
      unbuilt layer, or such a layer.
    conditions: dict of `Condition`s by name: labels, vectors `(F,)`, or images `(H, W, c)` of
      the input's size.
    seed: int, for the initial weights.
  """

  def __init__(self, out_channels, network, conditions, seed=0, **kwargs):
    super().__init__(**kwargs)
    self.out_channels = out_channels
    self.seed = seed
    self.conditions = dict(conditions)
    self.network = network if isinstance(network, keras.layers.Layer) else network(
        out_channels, seed=seeds.derived_seed(seed, 'network'), dtype=self.dtype_policy.name)
    if hasattr(self.network, 'initial_weights'):
      self.initial_weights = self._initial_weights

  def build(self, input_shape):
    height, width = (size or 1 for size in input_shape[1:3])
    self.tables, channels = {}, input_shape[-1]
    for name, condition in self.conditions.items():
      size = _table_size(condition)
      if size:
        self.tables[name] = self.add_weight(
            shape=(size, height, width, _EMBEDDING_CHANNELS), name=f'{name}_table',
            initializer=functools.partial(self._same_at_every_pixel, name))
      channels += _EMBEDDING_CHANNELS if size else condition.event_shape[-1]
    if not self.network.built:  # It is, where Keras has made it of its config.
      self.network.build((*input_shape[:-1], channels))

  def call(self, x, **conditions):
    return self.network(self._with_codes(x, conditions))

  def initialize(self, x, **conditions):
    """Data-dependent initialisation of the network, where it has any."""
    if hasattr(self.network, 'initialize'):
      self.network.initialize(self._with_codes(x, conditions))

  def _initial_weights(self, num):
    """Values like the initial ones of `num` layers, for `StackedLayer`; a list of `[num, ...]`."""
    tables = [
        tf.stack([self._same_at_every_pixel(f'{name}/{k}', table.shape, table.dtype)
                  for k in range(num)]) for name, table in self.tables.items()]
    return [*tables, *self.network.initial_weights(num)]

  def _with_codes(self, x, conditions):
    x = tf.cast(x, self.variable_dtype)
    codes = [self._code(x, name, conditions[name]) for name in self.conditions]
    return tf.concat([x, *codes], -1)

  def _code(self, x, name, value):
    if name not in self.tables:
      return tf.cast(value, x.dtype)
    table = tf.convert_to_tensor(self.tables[name])
    if self.conditions[name].num_classes:
      # A product and no gather: its gradient is dense, as a loop over steps wants it.
      value = tf.one_hot(value, table.shape[0], dtype=table.dtype)
    code = tf.matmul(tf.cast(value, table.dtype), tf.reshape(table, [table.shape[0], -1]))
    code = tf.cast(tf.reshape(code, [-1, *table.shape[1:]]), x.dtype)
    return tf.broadcast_to(code, [*static_shape.sizes(x)[:-1], _EMBEDDING_CHANNELS])

  def _same_at_every_pixel(self, name, shape, dtype=None):
    normal = keras.initializers.RandomNormal(
        stddev=1., seed=seeds.derived_seed(self.seed, name))
    return tf.broadcast_to(normal([shape[0], 1, 1, shape[-1]], dtype=dtype), shape)

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.out_channels)

  def get_config(self):
    conditions = {name: dict(event_shape=condition.event_shape, num_classes=condition.num_classes)
                  for name, condition in self.conditions.items()}
    return {**super().get_config(), 'out_channels': self.out_channels,
            'network': keras.saving.serialize_keras_object(self.network),
            'conditions': conditions, 'seed': self.seed}

  @classmethod
  def from_config(cls, config):
    conditions = {
        name: condition_lib.Condition(tuple(form['event_shape']), form['num_classes'])
        for name, form in config['conditions'].items()}
    network = keras.saving.deserialize_keras_object(config['network'])
    return cls(**{**config, 'network': network, 'conditions': conditions})


def _table_size(condition):
  """How many rows the table of a condition has; 0 for an image, which needs none."""
  if condition.num_classes:
    return condition.num_classes
  return condition.event_shape[0] if len(condition.event_shape) == 1 else 0
