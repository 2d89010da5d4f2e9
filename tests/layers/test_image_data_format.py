"""Images are channels last, whatever the user's Keras is set to."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers


@pytest.fixture
def channels_first():
  before = keras.config.image_data_format()
  keras.config.set_image_data_format('channels_first')
  yield
  keras.config.set_image_data_format(before)


@pytest.mark.parametrize('make', [
    lambda: layers.ConvNet(6, 8), lambda: layers.GatedNet(6, 8), lambda: layers.AttentionNet(6, 8),
    lambda: layers.ContextEmbedding((4, 5), 6, 8)],
    ids=['ConvNet', 'GatedNet', 'AttentionNet', 'ContextEmbedding'])
def test_a_network_made_under_channels_first(make, channels_first):
  layer = make()
  y = layer(tf.random.stateless_normal([2, 4, 5, 3], [0, 1]))
  assert y.shape == (2, 4, 5, 6)
  weights = layer.get_weights()
  keras.config.set_image_data_format('channels_last')
  other = make()
  other.build((2, 4, 5, 3))
  for a, b in zip(weights, other.get_weights(), strict=True):
    np.testing.assert_array_equal(a, b)
