"""Training that cannot be lost, on one device or many."""

from tfp_glow.training.cluster import Cluster
from tfp_glow.training.cluster import STRATEGIES
from tfp_glow.training.cluster import make_cluster
from tfp_glow.training.trainer import train

__all__ = ['Cluster', 'STRATEGIES', 'make_cluster', 'train']
