"""LabelNet: y = network([x, embedding[label]])"""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers


def _net(dtype='float32', actnorm=True):
  net = layers.LabelNet(
      6, functools.partial(layers.ConvNet, hidden_channels=5, actnorm=actnorm), 3, seed=1,
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
  code = net.embedding.numpy()[labels]
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
  net = layers.LabelNet(6, functools.partial(layers.GatedNet, hidden_channels=4), 3)
  net.build([None, 4, 4, 2])
  assert net.embedding.shape == (3, 4, 4, 4)
  assert len(np.unique(net.embedding.numpy())) == 3 * 4
  np.testing.assert_array_equal(net(_images(), labels=tf.constant([0, 1, 2, 0])), 0.)


def test_initialize_whitens_what_the_network_sees():
  net, x, labels = _net(), _images(16), tf.constant([0, 1, 2, 1] * 4)
  before = net(x, labels=labels).numpy()
  net.initialize(x, labels=labels)
  assert np.any(net(x, labels=labels).numpy() != before)
  other = _net()
  code = tf.gather(tf.convert_to_tensor(other.embedding), labels)
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
  net = layers.LabelNet(6, functools.partial(layers.ConvNet, hidden_channels=4), 3)
  net.build([None, None, None, 2])
  assert net.embedding.shape == (3, 1, 1, 4)
  assert net(_images(), labels=tf.constant([0, 1, 2, 0])).shape == (4, 4, 4, 6)
