"""A trained run as a SavedModel that answers without this package, and back."""

from tfp_glow.serving.examples import Examples
from tfp_glow.serving.examples import measure_examples
from tfp_glow.serving.export import export_model
from tfp_glow.serving.export_folder import Export
from tfp_glow.serving.export_folder import find_export
from tfp_glow.serving.load import load
from tfp_glow.serving.requests import Limits
from tfp_glow.serving.signatures import Signatures

__all__ = [
    'Examples', 'Export', 'Limits', 'Signatures', 'export_model', 'find_export', 'load',
    'measure_examples',
]
