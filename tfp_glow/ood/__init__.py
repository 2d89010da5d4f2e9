"""Images that do not belong: out-of-distribution scores of a trained flow."""

from tfp_glow.ood.compressed_size import compressed_bits
from tfp_glow.ood.modes import evaluate
from tfp_glow.ood.other_images import DERIVED
from tfp_glow.ood.other_images import load_others
from tfp_glow.ood.rank_statistic import auroc
from tfp_glow.ood.scores import Scores

__all__ = ['DERIVED', 'Scores', 'auroc', 'compressed_bits', 'evaluate', 'load_others']
