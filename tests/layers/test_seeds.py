"""derived_seed: one stream for each place in a model."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import layers
from tfp_glow.layers import seeds


def test_every_place_has_a_seed_of_its_own():
  places = [place for n in range(3) for place in itertools.product(range(12), repeat=n)]
  derived = [seeds.derived_seed(seed, *place) for seed in range(-3, 12) for place in places]
  assert len(set(derived)) == len(derived)
  assert 0 <= min(derived) and max(derived) < 2**31
  assert abs(np.mean(derived) / 2**30 - 1.) < .05


def test_is_the_same_everywhere_and_for_every_kind_of_integer():
  assert seeds.derived_seed(3, 1, 'conv') == 1849094151
  assert seeds.derived_seed(np.int64(3), np.int32(1)) == seeds.derived_seed(3, 1)


@pytest.mark.parametrize('network', [layers.AttentionNet, layers.ConvNet, layers.GatedNet])
def test_no_two_layers_of_neighbouring_seeds_share_weights(network):
  """The kernels of seeds 0 to 3, of one shape or not, start with different numbers."""
  starts = []
  for seed in range(4):
    net = network(4, 4, seed=seed)
    net.build((None, 4, 4, 4))
    for v in net.trainable_variables:
      if v.shape.rank == 4 and np.any(v.numpy()):
        values = v.numpy().ravel()
        starts.append(tuple(np.round(values[:8] / values[0], 4)))
  assert len(starts) >= 8 and len(set(starts)) == len(starts)


def test_weights_of_a_seed_and_of_stacks():
  """Set k of a stack depends on the seed and k, not on how many sets there are."""
  net = layers.ConvNet(4, 4, seed=1)
  net.build((None, 4, 4, 4))
  for few, many in zip(net.initial_weights(2), net.initial_weights(5)):
    np.testing.assert_array_equal(few, many[:2])
  assert not np.any(np.isin(tf.reshape(net.initial_weights(2)[0], [-1]), net.kernels[0]))
