"""Keras layers that condition couplings, and how bijectors hold them."""

from tfp_glow.layers.attention_net import AttentionNet
from tfp_glow.layers.conditioner import LayerConditioner
from tfp_glow.layers.conditioner import StackedLayer
from tfp_glow.layers.conv_net import ConvNet
from tfp_glow.layers.conv_net import ZeroConv2D
from tfp_glow.layers.gated_net import GatedNet
from tfp_glow.layers.label_net import LabelNet

__all__ = ['AttentionNet', 'ConvNet', 'GatedNet', 'LabelNet', 'LayerConditioner',
           'StackedLayer', 'ZeroConv2D']
