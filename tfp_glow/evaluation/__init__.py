"""How good a model is: bits/dim, classes, and images that do not belong."""

from tfp_glow.evaluation.compressed_size import compressed_bits
from tfp_glow.evaluation.evaluator import Evaluator
from tfp_glow.evaluation.other_images import DERIVED
from tfp_glow.evaluation.other_images import load_others
from tfp_glow.evaluation.rank_statistic import auroc
from tfp_glow.evaluation.run_evaluation import RunEvaluation
from tfp_glow.evaluation.scores import Scores

__all__ = [
    'DERIVED', 'Evaluator', 'RunEvaluation', 'Scores', 'auroc', 'compressed_bits', 'load_others',
]
