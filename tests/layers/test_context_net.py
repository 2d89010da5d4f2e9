"""ContextNet: y = network([x, table[label], v table, image])"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers

_LABELS = {'labels': layers.Condition((), 3)}


def _net(dtype='float32', actnorm=True):
  net = layers.ContextNet(
      6, functools.partial(layers.ConvNet, hidden_channels=5, actnorm=actnorm), _LABELS, seed=1,
      dtype=dtype)
  net.build([None, 4, 4, 2])
  random = np.random.RandomState(0)
  for variable in net.trainable_variables:
    variable.assign(.5 * random.randn(*variable.shape))
  return net


def _images(n=4):
  return tf.constant(np.random.RandomState(1).randn(n, 4, 4, 2), tf.float32)


def test_the_network_sees_image_and_embedding():
  net, x, labels = _net(), _images(), tf.constant([2, 0, 1, 2])
  code = net.tables['labels'].numpy()[labels]
  assert code.shape == (4, 4, 4, 4)
  np.testing.assert_allclose(
      net(x, labels=labels), net.network(np.concatenate([x, code], -1)), rtol=1e-5)
  assert net.compute_output_shape((None, 4, 4, 2)) == (None, 4, 4, 6)
  assert net(x, labels=labels).shape == (4, 4, 4, 6)


def test_the_label_matters():
  net, x = _net(), _images()
  outputs = [net(x, labels=tf.fill([4], label)).numpy() for label in range(3)]
  assert all(np.any(np.abs(a - b) > 1e-2) for a, b in zip(outputs, outputs[1:]))


def test_starts_with_different_embeddings_and_a_zero_output():
  net = layers.ContextNet(6, functools.partial(layers.GatedNet, hidden_channels=4), _LABELS)
  net.build([None, 4, 4, 2])
  assert net.tables['labels'].shape == (3, 4, 4, 4)
  assert len(np.unique(net.tables['labels'].numpy())) == 3 * 4
  np.testing.assert_array_equal(net(_images(), labels=tf.constant([0, 1, 2, 0])), 0.)


def test_initialize_whitens_what_the_network_sees():
  net, x, labels = _net(), _images(16), tf.constant([0, 1, 2, 1] * 4)
  before = net(x, labels=labels).numpy()
  net.initialize(x, labels=labels)
  assert np.any(net(x, labels=labels).numpy() != before)
  other = _net()
  code = tf.gather(tf.convert_to_tensor(other.tables['labels']), labels)
  other.network.initialize(tf.concat([x, code], -1))
  for a, b in zip(net.network.biases, other.network.biases):
    np.testing.assert_allclose(a, b, rtol=1e-4)


@pytest.mark.parametrize('dtype', ['float64', 'mixed_bfloat16'])
def test_dtypes(dtype):
  net = _net(dtype)
  y = net(tf.cast(_images(), 'float64' if dtype == 'float64' else 'float32'),
          labels=tf.constant([0, 1, 2, 0]))
  assert y.dtype == dtype.removeprefix('mixed_') and np.all(np.isfinite(tf.cast(y, tf.float32)))


def test_images_of_unknown_size():
  net = layers.ContextNet(6, functools.partial(layers.ConvNet, hidden_channels=4), _LABELS)
  net.build([None, None, None, 2])
  assert net.tables['labels'].shape == (3, 1, 1, 4)
  assert net(_images(), labels=tf.constant([0, 1, 2, 0])).shape == (4, 4, 4, 6)


def test_vectors_and_images():
  conditions = {'vector': layers.Condition((5,)), 'image': layers.Condition((4, 4, 3))}
  net = layers.ContextNet(
      6, functools.partial(layers.ConvNet, hidden_channels=4), conditions, dtype='float64')
  net.build([None, 4, 4, 2])
  random = np.random.RandomState(0)
  for variable in net.trainable_variables:
    variable.assign(.5 * random.randn(*variable.shape))
  x, vector, image = random.randn(3, 4, 4, 2), random.randn(3, 5), random.randn(3, 4, 4, 3)
  code = np.einsum('nf,fhwe->nhwe', vector, net.tables['vector'])
  np.testing.assert_allclose(
      net(x, vector=tf.constant(vector), image=tf.constant(image)),
      net.network(np.concatenate([x, code, image], -1)), rtol=1e-9)


def test_sets_drawn_at_once_are_those_of_single_layers():
  make = lambda: layers.ContextNet(
      6, functools.partial(layers.ConvNet, hidden_channels=4), _LABELS, seed=3)
  net = make()
  net.build([None, 4, 4, 2])
  stacks = net.initial_weights(3)
  assert [s.shape for s in stacks] == [(3, *v.shape) for v in net.trainable_variables]
  table = stacks[0].numpy()
  assert np.all(table == table[..., :1, :1, :]) and len(np.unique(table)) == 3 * 3 * 4


@pytest.mark.parametrize('network', [layers.ConvNet, layers.GatedNet])
def test_comes_back_from_its_config(network):
  net = layers.ContextNet(6, functools.partial(network, hidden_channels=4),
                          {**_LABELS, 'image': layers.Condition((4, 4, 3))}, seed=2)
  net.build([None, 4, 4, 2])
  other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(net))
  assert other.conditions == net.conditions
  other.set_weights(net.get_weights())
  x, image = _images(), tf.ones([4, 4, 4, 3])
  labels = tf.constant([0, 1, 2, 0])
  np.testing.assert_array_equal(
      net(x, labels=labels, image=image), other(x, labels=labels, image=image))
