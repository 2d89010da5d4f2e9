"""GatedNet: convolution, gated residual blocks, an output that starts at zero."""

import numpy as np
import tensorflow as tf

from tfp_glow import layers
from tfp_glow.layers import gated_net


def test_concat_elu():
  np.testing.assert_allclose(
      gated_net.concat_elu(tf.constant([[1., -1.]])),
      [[1., np.exp(-1) - 1, np.exp(-1) - 1, 1.]], rtol=1e-6)


def test_formula():
  net = layers.GatedNet(2, 4, num_blocks=2, seed=3, dtype='float64')
  x = tf.random.stateless_normal([2, 4, 4, 3], [0, 1], dtype=tf.float64)
  np.testing.assert_array_equal(net(x), np.zeros([2, 4, 4, 2]))
  net.output_conv.kernel.assign(
      tf.random.stateless_normal(net.output_conv.kernel.shape, [1, 2], dtype=tf.float64))
  h = net.input_conv(x)
  for conv, gate, norm in zip(net.convs, net.gates, net.norms):
    v = gate(gated_net.concat_elu(conv(gated_net.concat_elu(h)))).numpy()
    h = h + v[..., :4] / (1 + np.exp(-v[..., 4:]))
    h = (h - np.mean(h, -1, keepdims=True)) / np.sqrt(np.var(h, -1, keepdims=True) + 1e-5)
    h = norm.gamma * h + norm.beta
  np.testing.assert_allclose(
      net(x), net.output_conv(gated_net.concat_elu(h)), rtol=1e-9, atol=1e-9)


def test_seed_decides_the_weights_and_layers_differ():
  one, same, other = (layers.GatedNet(2, 4, seed=s) for s in (0, 0, 1))
  for net in (one, same, other):
    net.build((None, 4, 4, 4))
  np.testing.assert_array_equal(one.input_conv.kernel, same.input_conv.kernel)
  assert np.any(one.input_conv.kernel.numpy() != other.input_conv.kernel.numpy())
  assert np.any(one.convs[0].kernel.numpy() != one.convs[1].kernel.numpy())
