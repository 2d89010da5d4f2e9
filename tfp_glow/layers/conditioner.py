"""How Keras 3 layers serve as conditioners of bijectors."""

import keras
import numpy as np
import tensorflow as tf

from tfp_glow.layers import condition

__all__ = ['LayerConditioner', 'StackedLayer', 'as_conditioner']

if keras.backend.backend() != 'tensorflow':
  raise ImportError(
      f'tfp_glow needs Keras with the TensorFlow backend, got {keras.backend.backend()!r}; '
      'set KERAS_BACKEND=tensorflow.')


def as_conditioner(conditioner):
  """A function, a `tf.Module`, None, or a built Keras layer in a `LayerConditioner`."""
  if isinstance(conditioner, keras.layers.Layer):
    return LayerConditioner(conditioner)
  return conditioner


class LayerConditioner(tf.Module):
  """Lets a built Keras layer (or model) condition a coupling.

  TFP finds the Variables of `tf.Module`s, and a Keras 3 layer is none. This
  module holds the layer's weights as the plain `tf.Variable`s that they are,
  each once, and keeps the layer itself where no tracking looks, so that a
  checkpoint does not save it a second time.

  Args:
    layer: a built `keras.layers.Layer`, `[N, H, W, C_in] -> [N, H, W, C_out]`.

  Attributes:
    conditions: what the layer takes beside the image; see `named_conditions`.

  Raises:
    ValueError: if the layer is not built: its weights do not exist yet.
  """

  def __init__(self, layer, name=None):
    super().__init__(name=name or layer.name)
    if not layer.built:
      raise ValueError(
          f'the Keras layer {layer.name!r} is not built, so its weights could not be '
          f'trained; call layer.build((None, None, None, channels)) first.')
    self._hold(layer)

  def _hold(self, layer):
    self._hidden = _Hidden(layer)
    self._weights = [v.value for v in layer.variables]

  @property
  def conditions(self):
    return _conditions_of_layer(self._hidden.layer)

  @property
  def in_channels(self):
    """The channels that images need to have; None where the layer does not say."""
    return _in_channels(self._hidden.layer)

  def __call__(self, x, **conditions):
    return self._hidden.layer(x, **conditions)

  def initialize(self, x, **conditions):
    """Data-dependent initialisation of the layer, where it has any."""
    if hasattr(self._hidden.layer, 'initialize'):
      self._hidden.layer.initialize(x, **conditions)

  # A copy holds the copied layer's weights; attribute by attribute it would hold others.

  def __getstate__(self):
    return dict(name=self.name, layer=self._hidden.layer)

  def __setstate__(self, state):
    tf.Module.__init__(self, name=state['name'])
    self._hold(state['layer'])


class _Hidden:
  """Something that TensorFlow must not track."""

  def __init__(self, layer):
    self.layer = layer


def _conditions_of_layer(layer):
  if hasattr(layer, 'conditions') or isinstance(layer, keras.Model):
    return dict(getattr(layer, 'conditions', {}))
  return condition.named_conditions(layer.call)


def _in_channels(layer):
  shape = (layer.get_build_config() or {}).get('input_shape')
  shape = shape or getattr(layer, 'input_shape', None)  # Of a functional model.
  return shape[-1] if isinstance(shape, (list, tuple)) and isinstance(shape[-1], int) else None


class StackedLayer:
  """K sets of weights for one Keras layer, each weight stacked along a leading axis.

  `weights` is the list of stacked Variables; whoever runs the layer owns them.

  A layer with a method `initial_weights(num)` gives all K sets at once, as a list
  of Tensors `[num, ...]`, one for each of its weights; of another, K are made.

  Args:
    make_layer: callable `make_layer(k)` that makes the unbuilt layer whose
      initial weights become set k; where it has `initial_weights`, only k = 0 is made.
    depth: int, K.
    input_shape: tuple `(None, H, W, C)`, to build the layers with.

  Attributes:
    conditions: what the layer takes beside the image; see `named_conditions`.

  Raises:
    ValueError: if the layer has weights that do not train, frozen ones or such as it updates by
      itself (BatchNormalization's), which K sets of weights cannot serve.
  """

  def __init__(self, make_layer, depth, input_shape):
    created = []  # The first layer's Variables in the order in which a layer makes them.
    with tf.variable_creator_scope(_recorder(created)):
      layer = self._layer = make_layer(0)
      layer.build(input_shape)
    if layer.non_trainable_variables:
      raise ValueError(
          f'{layer.name}: a level cannot run a layer with weights that do not train, frozen or '
          f'updated by itself, got {[v.path for v in layer.non_trainable_variables]}.')
    variables = layer.trainable_variables
    if hasattr(layer, 'initial_weights'):
      stacks = layer.initial_weights(depth)
    else:
      positions = {id(v): i for i, v in enumerate(created)}
      sets = [_initial_values(lambda k=k: make_layer(k), input_shape, created)
              for k in range(1, depth)]
      stacks = [
          np.stack([v.numpy(), *[values[positions[id(v.value)]] for values in sets]])
          for v in variables]
    self.weights = [
        tf.Variable(stack, name=v.name, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
        for v, stack in zip(variables, stacks)]
    self.conditions = _conditions_of_layer(layer)

  def conditioner(self, weights):
    """The layer as a function of its input and conditions, with one set of weights.

    Args:
      weights: list of Tensors, as `weights` without the leading axis.
    """
    layer = self._layer
    return lambda x, **conditions: layer.stateless_call(weights, [], x, **conditions)[0]

  def initialized(self, weights, x, **conditions):
    """One set of weights after the layer's data-dependent initialisation with x.

    Args:
      weights: list of Tensors, one set.
      x: float Tensor `[N, H, W, C]`, the layer's input.
      **conditions: what the layer is called with besides.

    Returns:
      A list like `weights`, the same one if the layer has no `initialize`.
    """
    layer = self._layer
    if not hasattr(layer, 'initialize'):
      return weights
    variables = layer.trainable_variables
    with keras.StatelessScope(state_mapping=list(zip(variables, weights))) as scope:
      layer.initialize(x, **conditions)
    return [scope.get_current_value(v) for v in variables]


def _recorder(created):
  """A Variable creator that lists what it creates."""
  def create(next_creator, **kwargs):
    created.append(next_creator(**kwargs))
    return created[-1]
  return create


def _initial_values(make_layer, input_shape, variables):
  """What a layer would set its Variables to, in the order in which it makes them.

  Making Variables takes most of the time of making a layer, so it is given those
  of another one, `variables`, and must not be used.
  """
  values = []

  def create(next_creator, initial_value, **kwargs):
    del next_creator, kwargs
    values.append(np.asarray(initial_value() if callable(initial_value) else initial_value))
    return variables[len(values) - 1]

  with tf.variable_creator_scope(create):
    make_layer().build(input_shape)
  return values
