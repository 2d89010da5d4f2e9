"""AttentionNet: gated convolutions and gated self-attention, an output that starts at zero."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.layers import attention_net
from tfp_glow.layers import gated_net


def sigmoid(x):
  return 1. / (1. + np.exp(-x))


def test_formula():
  """One image, the attention written out for each head and pixel."""
  net = layers.AttentionNet(2, 8, num_blocks=2, num_heads=2, seed=3, dtype='float64')
  x = checks.normal([1, 3, 2, 3])
  np.testing.assert_array_equal(net(x), np.zeros([1, 3, 2, 2]))
  checks.perturb(layers.LayerConditioner(net), 0.3)

  def normalized(h, norm):
    h = (h - np.mean(h, -1, keepdims=True)) / np.sqrt(np.var(h, -1, keepdims=True) + 1e-5)
    return norm.gamma * h + norm.beta

  h = net.input_conv(x).numpy()
  position = attention_net.position_code(3, 2, 8, tf.float64).numpy()
  for i in range(2):
    v = net.conv_gates[i](gated_net.concat_elu(net.convs[i](gated_net.concat_elu(h)))).numpy()
    h = normalized(h + v[..., :8] * sigmoid(v[..., 8:]), net.conv_norms[i]).numpy()
    q, k, v = np.split(net.projections[i](h + position).numpy().reshape(6, 24), 3, -1)
    attended = np.zeros([6, 8])
    for head in (slice(0, 4), slice(4, 8)):
      for pixel in range(6):
        weights = np.exp(k[:, head] @ q[pixel, head] / 2.)
        attended[pixel, head] = weights @ v[:, head] / np.sum(weights)
    v = net.attention_gates[i](attended.reshape(1, 3, 2, 8)).numpy()
    h = normalized(h + v[..., :8] * sigmoid(v[..., 8:]), net.attention_norms[i]).numpy()
  np.testing.assert_allclose(
      net(x), net.output_conv(gated_net.concat_elu(h)), rtol=1e-9, atol=1e-9)


def test_position_code_tells_all_pixels_apart():
  code = attention_net.position_code(14, 14, 10, tf.float32)
  assert code.shape == (14, 14, 10)
  flat = np.reshape(code, [196, 10])
  distances = np.linalg.norm(flat[:, None] - flat, axis=-1) + 10. * np.eye(196)
  assert np.min(distances) > 0.1
  np.testing.assert_allclose(code[3, 5, 0], np.sin(3.), rtol=1e-6)
  np.testing.assert_allclose(code[3, 5, 6], np.sin(5.), rtol=1e-6)


def test_far_pixels_reach_each_other():
  """What convolutions of this depth cannot do."""
  net = layers.AttentionNet(1, 4, num_blocks=1, num_heads=1, dtype='float64')
  net.build((None, None, None, 1))
  checks.perturb(layers.LayerConditioner(net), 0.3)
  x = tf.Variable(checks.normal([1, 1, 20, 1]))
  with tf.GradientTape() as tape:
    y = net(x)[0, 0, 0, 0]
  assert np.abs(tape.gradient(y, x)[0, 0, 19, 0]) > 1e-9


@pytest.mark.parametrize('wrap', [lambda f: f, tf.function(jit_compile=True)],
                         ids=['eager', 'xla'])
def test_conditions_a_level(wrap):
  """K sets of weights in the loop, against the steps one by one."""
  network = functools.partial(
      layers.AttentionNet, hidden_channels=4, num_blocks=1, num_heads=2)
  level = checks.perturb(bijectors.GlowLevel.trainable(
      (4, 2, 4), 2, network, dtype=tf.float64), 0.3)
  x = checks.normal([2, 4, 2, 4])

  @wrap
  def run(x):
    with tf.GradientTape() as tape:
      z, log_det = level.inverse_and_log_det(x)
      loss = tf.reduce_sum(z**2) + tf.reduce_sum(log_det)
    return z, tape.gradient(loss, level.trainable_variables)

  z, gradients = run(x)
  expected = x
  for step in level.steps:
    expected = step.inverse(expected)
  np.testing.assert_allclose(z, expected, rtol=1e-9, atol=1e-9)
  assert all(np.any(g != 0.) for g in gradients)
  np.testing.assert_allclose(level.forward(tf.identity(z)), x, rtol=1e-8, atol=1e-9)


def test_seed_decides_the_weights_and_layers_differ():
  one, same, other = (layers.AttentionNet(2, 4, seed=s) for s in (0, 0, 1))
  for net in (one, same, other):
    net.build((None, 4, 4, 4))
  np.testing.assert_array_equal(one.projections[0].kernel, same.projections[0].kernel)
  assert np.any(one.projections[0].kernel.numpy() != other.projections[0].kernel.numpy())
  assert np.any(one.projections[0].kernel.numpy() != one.projections[1].kernel.numpy())


def test_heads_that_do_not_divide_the_width_are_refused():
  with pytest.raises(ValueError, match='multiple of 4 hidden channels, got hidden_channels=6'):
    layers.AttentionNet(2, 6)
