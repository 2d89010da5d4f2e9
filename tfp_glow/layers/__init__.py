"""Keras layers that condition couplings, and how bijectors hold them."""

from tfp_glow.layers.attention_net import AttentionNet
from tfp_glow.layers.condition import Condition
from tfp_glow.layers.conditioner import LayerConditioner
from tfp_glow.layers.conditioner import StackedLayer
from tfp_glow.layers.context_embedding import ContextEmbedding
from tfp_glow.layers.context_net import ContextNet
from tfp_glow.layers.conv_net import ConvNet
from tfp_glow.layers.conv_net import ZeroConv2D
from tfp_glow.layers.gated_net import GatedNet

__all__ = ['AttentionNet', 'Condition', 'ContextEmbedding', 'ContextNet', 'ConvNet', 'GatedNet',
           'LayerConditioner', 'StackedLayer', 'ZeroConv2D']
