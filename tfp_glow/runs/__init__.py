"""What lies in a run's folder, and how it comes back."""

from tfp_glow.runs.checkpoint import CheckpointStore
from tfp_glow.runs.trained import TrainedModel
from tfp_glow.runs.trained import load_model
from tfp_glow.runs.trained import load_trained
from tfp_glow.runs.workdir import Workdir

__all__ = ['CheckpointStore', 'TrainedModel', 'Workdir', 'load_model', 'load_trained']
