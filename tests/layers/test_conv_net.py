"""ConvNet and ZeroConv2D:

    y = (conv(x, kernel) + bias) * exp(3 * log_scale)
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers


def test_starts_at_zero_and_has_a_scale():
  conv = layers.ZeroConv2D(3)
  x = tf.random.stateless_normal([2, 4, 5, 2], [0, 1])
  np.testing.assert_array_equal(conv(x), np.zeros([2, 4, 5, 3]))
  conv.kernel.assign(tf.random.stateless_normal(conv.kernel.shape, [1, 2]))
  conv.bias.assign([1., 2., 3.])
  conv.log_scale.assign([0., 0.1, -0.1])
  expected = tf.nn.conv2d(x, conv.kernel.value, 1, 'SAME') + [1., 2., 3.]
  np.testing.assert_allclose(
      conv(x), expected * np.exp([0., 0.3, -0.3]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('actnorm', [False, True])
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_is_three_convolutions(actnorm, dtype):
  net = layers.ConvNet(6, 8, actnorm=actnorm, seed=1, dtype=dtype)
  x = tf.random.stateless_normal([2, 4, 4, 3], [0, 1], dtype=dtype)
  np.testing.assert_array_equal(net(x), np.zeros([2, 4, 4, 6]))
  rng = np.random.default_rng(0)
  for v in net.trainable_variables:
    v.assign(v + 0.2 * rng.standard_normal(v.shape))
  weights = {v.path.split('/', 1)[1]: v.numpy() for v in net.trainable_variables}
  assert len(weights) == len(net.trainable_variables) == (9 if actnorm else 7)
  h = x
  for i in range(2):
    h = tf.nn.conv2d(h, weights[f'kernel_{i}'], 1, 'SAME') + weights[f'bias_{i}']
    h = tf.nn.relu(h * np.exp(weights.get(f'log_scale_{i}', 0.)))
  np.testing.assert_allclose(net(x), net.output_conv(h), rtol=1e-4, atol=1e-5)
  assert net(x).dtype == dtype


def test_initialize_whitens_the_hidden_layers():
  net = layers.ConvNet(2, 8, actnorm=True, dtype='float64')
  x = 5. + 3. * tf.random.stateless_normal([16, 4, 4, 3], [0, 1], dtype=tf.float64)
  net.build(x.shape)
  net.initialize(x)
  h = x
  for i in range(2):
    h = (tf.nn.conv2d(h, net.kernels[i].value, 1, 'SAME') + net.biases[i].value)
    h *= tf.exp(net.log_scales[i].value)
    np.testing.assert_allclose(np.mean(h, (0, 1, 2)), 0., atol=1e-9)
    np.testing.assert_allclose(np.std(h, (0, 1, 2)), 1., rtol=1e-9)
    h = tf.nn.relu(h)


@pytest.mark.parametrize('layer', [
    layers.ConvNet(4, 8, actnorm=True), layers.ZeroConv2D(4), layers.GatedNet(4, 8)],
    ids=lambda layer: type(layer).__name__)
def test_config_and_output_shape(layer):
  copy = type(layer).from_config(layer.get_config())
  x = tf.random.stateless_normal([2, 4, 4, 3], [0, 1])
  assert copy(x).shape == layer.compute_output_shape(x.shape) == (2, 4, 4, 4)
  assert copy.get_config() == layer.get_config()


def test_serves_in_a_keras_model():
  model = keras.Sequential([keras.Input((4, 4, 2)), layers.ConvNet(2, 4)])
  model.compile('sgd', 'mse')
  x = np.random.default_rng(0).standard_normal((4, 4, 4, 2))
  model.fit(x, x, verbose=0)
