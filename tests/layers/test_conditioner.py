"""LayerConditioner and StackedLayer: Keras 3 weights where TFP and checkpoints find them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers


def test_weights_are_found_and_saved_once(tmp_path):
  layer = layers.ConvNet(4, 8, actnorm=True)
  layer.build((None, 4, 4, 2))
  conditioner = layers.LayerConditioner(layer)
  assert [id(v) for v in conditioner.trainable_variables] == [
      id(v.value) for v in layer.trainable_variables]
  path = tf.train.Checkpoint(c=conditioner).save(str(tmp_path / 'checkpoint'))
  saved = [name for name, _ in tf.train.list_variables(path) if name.startswith('c/')]
  assert len(saved) == len(layer.variables)


@pytest.mark.parametrize('model', [
    lambda: keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 1)]),
    lambda: layers.GatedNet(3, 4)], ids=['sequential', 'layer'])
def test_any_keras_layer_serves(model):
  layer = model()
  layer.build((None, 4, 4, 2))
  conditioner = layers.LayerConditioner(layer)
  x = tf.random.stateless_normal([2, 4, 4, 2], [0, 1])
  with tf.GradientTape() as tape:
    y = tf.reduce_sum(conditioner(x)**2)
  np.testing.assert_allclose(conditioner(x), layer(x))
  assert all(g is not None for g in tape.gradient(y, conditioner.trainable_variables))


def test_unbuilt_layer_is_refused():
  with pytest.raises(ValueError, match=r"'unbuilt' is not built, .* layer.build"):
    layers.LayerConditioner(keras.layers.Conv2D(4, 3, name='unbuilt'))


def test_stack_runs_each_set_of_weights():
  make = lambda k: layers.GatedNet(3, 4, num_blocks=1, seed=10 * k)
  stack = layers.StackedLayer(make, 3, (None, 4, 4, 2))
  x = tf.random.stateless_normal([2, 4, 4, 2], [0, 1])
  for k in range(3):
    layer = make(k)
    layer.build((None, 4, 4, 2))
    for v, w in zip(layer.trainable_variables, stack.weights):
      np.testing.assert_array_equal(v, w[k])
      w.assign(tf.tensor_scatter_nd_add(w, [[k]], 0.1 * tf.ones_like(w[k])[None]))
      v.assign(w[k])
    np.testing.assert_allclose(
        stack.conditioner([w[k] for w in stack.weights])(x), layer(x), rtol=1e-6)


def test_stateless_initialisation_equals_the_layers_own():
  make = lambda k: layers.ConvNet(3, 4, actnorm=True, seed=k)
  stack = layers.StackedLayer(make, 2, (None, 4, 4, 2))
  x = 3. + tf.random.stateless_normal([8, 4, 4, 2], [0, 1])
  layer = make(1)
  layer.build((None, 4, 4, 2))
  for v, w in zip(layer.trainable_variables, stack.weights):
    v.assign(w[1])
  layer.initialize(x)
  initialised = stack.initialized([w[1] for w in stack.weights], x)
  for got, expected in zip(initialised, layer.trainable_variables):
    np.testing.assert_array_equal(got, expected)


class _Alone(keras.layers.Layer):
  """Makes its Variables in another order than Keras lists them."""

  def __init__(self, seed):
    super().__init__()
    self.seed = seed

  def build(self, input_shape):
    self.dense = keras.layers.Dense(
        3, kernel_initializer=keras.initializers.RandomNormal(seed=self.seed))
    self.dense.build(input_shape)
    self.scale = self.add_weight(
        shape=(2,), initializer=keras.initializers.RandomUniform(1., 2., seed=self.seed))

  def call(self, x):
    return self.dense(x * self.scale)


def test_stack_of_a_layer_that_knows_nothing_of_stacks():
  stack = layers.StackedLayer(_Alone, 3, (None, 4, 4, 2))
  for k in range(3):
    layer = _Alone(k)
    layer.build((None, 4, 4, 2))
    assert len(layer.trainable_variables) == 3
    for v, w in zip(layer.trainable_variables, stack.weights):
      np.testing.assert_array_equal(v, w[k])


@pytest.mark.parametrize('actnorm', [False, True])
def test_sets_drawn_at_once_are_distributed_like_the_layers_own(actnorm):
  make = lambda k: layers.ConvNet(3, 32, actnorm=actnorm, seed=k)
  stack = layers.StackedLayer(make, 4, (None, 4, 4, 8))
  layer = make(7)
  layer.build((None, 4, 4, 8))
  for v, w in zip(layer.trainable_variables, stack.weights):
    assert w.shape[1:] == v.shape
    values, all_sets = v.numpy(), w.numpy()
    for one in all_sets:
      np.testing.assert_allclose(one.std(), values.std(), rtol=.1)
      np.testing.assert_allclose(np.abs(one).max(), np.abs(values).max(), rtol=.02)
      assert abs(one.mean()) <= 5 * values.std() / values.size**.5
    if values.std():
      sets = all_sets.reshape([4, -1])
      np.testing.assert_allclose(np.corrcoef(sets), np.eye(4), atol=.2)
