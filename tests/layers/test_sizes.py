"""check_positive, in every network."""

import pytest

from tfp_glow import layers


@pytest.mark.parametrize('network, size', [
    (layers.ConvNet, 'hidden_channels'), (layers.ConvNet, 'out_channels'),
    (layers.GatedNet, 'hidden_channels'), (layers.GatedNet, 'num_blocks'),
    (layers.AttentionNet, 'hidden_channels'), (layers.AttentionNet, 'num_heads')])
@pytest.mark.parametrize('value', [0, -4])
def test_sizes_below_one_are_refused(network, size, value):
  sizes = dict(out_channels=4, hidden_channels=4)
  with pytest.raises(ValueError, match=f'{size} must be at least 1, got {value}'):
    network(**{**sizes, size: value})
