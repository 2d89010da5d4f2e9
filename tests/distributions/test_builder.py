"""build_image_model: the model that a config describes."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import distributions


def make_config(**kwargs):
  return types.SimpleNamespace(**dict(
      name='glow', num_levels=2, depth=2, hidden_channels=4, coupling='affine',
      scale_map='sigmoid', permutation='lu', conv_init='rotation', learn_top=True, network='conv',
      hidden_actnorm=True, n_bits=8, logit_alpha=0., precision='float32',
      reversible=False, input_limit=4., dequantization='uniform', num_classes=0, condition_couplings=False,
      class_weight=0., num_components=8, num_bins=8) | kwargs)


@pytest.mark.parametrize('options', [
    dict(), dict(network='gated', scale_map='tanh', logit_alpha=1e-5),
    dict(coupling='additive', permutation='shuffle', n_bits=5, learn_top=False),
    dict(conv_init='permutation', permutation='plain'),
    dict(precision='bfloat16', reversible=True), dict(name='tutorial_multi_scale'),
    dict(name='tutorial_simple', dequantization='variational'),
    dict(coupling='mixture_logistics', reversible=True),
    dict(coupling='spline', precision='bfloat16'),
    dict(network='attention', precision='bfloat16'),
    dict(dequantization='variational', n_bits=5), dict(dequantization='flow++')], ids=str)
def test_builds_and_evaluates(options):
  model = distributions.build_image_model(make_config(**options), (8, 8, 1), seed=1)
  images = tf.zeros([2, 8, 8, 1], tf.uint8)
  noise = distributions.uniform_noise(images.shape, [0, 1])
  model.initialize(images, noise)
  assert np.all(np.isfinite(model.bits_per_dim(images, noise)))
  assert model.n_bits == options.get('n_bits', 8)
  assert isinstance(model.flow, bijectors.MultiScale)


@pytest.mark.parametrize('coupling, size', [
    ('mixture_logistics', 'num_components'), ('spline', 'num_bins')])
def test_couplings_are_of_the_configured_size(coupling, size):
  def outputs(number):
    model = distributions.build_image_model(
        make_config(coupling=coupling, num_levels=1, depth=1, **{size: number}), (4, 4, 1))
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)
  # Three more parameters a component or bin, for two channels: weights of 3x3x4, and biases.
  assert outputs(5) - outputs(4) == outputs(4) - outputs(3) >= 3 * 2 * 3 * 3 * 4


@pytest.mark.parametrize('options, message', [
    (dict(name='nice'), "model.name must be one of .*, got 'nice'"),
    (dict(network='mlp'), "model.network must be one of .*, got 'mlp'"),
    (dict(coupling='cubic'), "coupling must be one of .*, got 'cubic'"),
    (dict(dequantization='none'), "model.dequantization must be one of .*, got 'none'"),
    (dict(num_levels=4), 'multiples of 16, got 8 x 8')])
def test_user_mistakes(options, message):
  with pytest.raises(ValueError, match=message):
    distributions.build_image_model(make_config(**options), (8, 8, 1))
