"""Training that cannot be lost, on one device or many, and the use of what it made."""

from tfp_glow.training.cluster import Cluster
from tfp_glow.training.cluster import STRATEGIES
from tfp_glow.training.cluster import make_cluster
from tfp_glow.training.evaluation import Evaluator
from tfp_glow.training.modes import evaluate
from tfp_glow.training.modes import sample
from tfp_glow.training.trained import TrainedModel
from tfp_glow.training.trained import load_trained
from tfp_glow.training.trainer import train
from tfp_glow.training.workdir import Workdir

__all__ = [
    'Cluster', 'Evaluator', 'STRATEGIES', 'TrainedModel', 'Workdir', 'evaluate', 'load_trained',
    'make_cluster', 'sample', 'train',
]
