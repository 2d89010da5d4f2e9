"""Distributions of images under flows."""

from tfp_glow.distributions.builder import build_image_model
from tfp_glow.distributions.dequantization import UniformDequantizer
from tfp_glow.distributions.dequantization import bits_per_dim
from tfp_glow.distributions.dequantization import dequantize
from tfp_glow.distributions.dequantization import noise_of_draw
from tfp_glow.distributions.dequantization import quantize
from tfp_glow.distributions.dequantization import uniform_noise
from tfp_glow.distributions.image_model import ImageModel
from tfp_glow.distributions.latent_classifier import LatentClassifier
from tfp_glow.distributions.unit_cube import flow_distribution
from tfp_glow.distributions.variational_dequantization import NoiseFlow
from tfp_glow.distributions.variational_dequantization import VariationalDequantizer

__all__ = [
    'ImageModel', 'LatentClassifier', 'NoiseFlow', 'UniformDequantizer',
    'VariationalDequantizer', 'bits_per_dim', 'build_image_model', 'dequantize',
    'flow_distribution', 'noise_of_draw', 'quantize', 'uniform_noise',
]
