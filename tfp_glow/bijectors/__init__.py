"""Glow's bijectors, for use alone or with those of TensorFlow Probability."""

from tfp_glow.bijectors.actnorm import ActNorm
from tfp_glow.bijectors.channel_linear import ChannelLinear
from tfp_glow.bijectors.class_prior import ClassPrior
from tfp_glow.bijectors.coupling import AdditiveCoupling
from tfp_glow.bijectors.coupling import AffineCoupling
from tfp_glow.bijectors.coupling import Coupling
from tfp_glow.bijectors.elementwise import ShiftAndScale
from tfp_glow.bijectors.flow_bijector import FlowBijector
from tfp_glow.bijectors.glow import Glow
from tfp_glow.bijectors.inner import Inner
from tfp_glow.bijectors.inner import mixture_logistics_inner
from tfp_glow.bijectors.inner import spline_inner
from tfp_glow.bijectors.invertible_conv import InvertibleConv1x1
from tfp_glow.bijectors.invertible_conv import PlainInvertibleConv1x1
from tfp_glow.bijectors.level import GlowLevel
from tfp_glow.bijectors.logit import Logit
from tfp_glow.bijectors.mixture_logistics import MixtureLogistics
from tfp_glow.bijectors.multi_scale import MultiScale
from tfp_glow.bijectors.permutation import ChannelPermutation
from tfp_glow.bijectors.spline import AffineSpline
from tfp_glow.bijectors.split import Split
from tfp_glow.bijectors.squeeze import Squeeze
from tfp_glow.bijectors.step import GlowStep
from tfp_glow.bijectors.tutorial_flow import tutorial_multi_scale
from tfp_glow.bijectors.tutorial_flow import tutorial_simple

__all__ = [
    'ActNorm', 'AdditiveCoupling', 'AffineCoupling', 'AffineSpline', 'ChannelLinear',
    'ChannelPermutation', 'ClassPrior', 'Coupling', 'FlowBijector', 'Glow', 'GlowLevel', 'GlowStep',
    'Inner', 'InvertibleConv1x1', 'Logit', 'MixtureLogistics', 'MultiScale',
    'PlainInvertibleConv1x1', 'ShiftAndScale', 'Split', 'Squeeze',
    'mixture_logistics_inner', 'spline_inner', 'tutorial_multi_scale',
    'tutorial_simple',
]
