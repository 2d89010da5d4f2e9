"""Distributions of images under flows."""

from tfp_glow.distributions.builder import build_image_model
from tfp_glow.distributions.dequantization import bits_per_dim
from tfp_glow.distributions.dequantization import dequantize
from tfp_glow.distributions.dequantization import quantize
from tfp_glow.distributions.dequantization import uniform_noise
from tfp_glow.distributions.image_model import ImageModel
from tfp_glow.distributions.image_model import flow_distribution

__all__ = [
    'ImageModel', 'bits_per_dim', 'build_image_model', 'dequantize', 'flow_distribution',
    'quantize', 'uniform_noise',
]
