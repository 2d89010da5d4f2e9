"""A picture of how well scores tell images apart."""

import os

from matplotlib import figure
import numpy as np

from tfp_glow.runs import files

__all__ = ['save_histograms']

_BINS = 40


def save_histograms(path, scores):
  """Writes a PNG with the histograms of every score, a curve for each set of images.

  Args:
    path: str.
    scores: dict of dicts of float arrays, by the images' name and the score's.

  Raises:
    UserError: if it cannot be written.
  """
  names = list(next(iter(scores.values())))
  picture = figure.Figure(figsize=(4. * len(names), 3.2), layout='constrained')
  for axes, name in zip(picture.subplots(1, len(names), squeeze=False)[0], names):
    low, high = np.min([np.percentile(s[name], [0, 100]) for s in scores.values()], 0)[0], np.max(
        [np.percentile(s[name], 99) for s in scores.values()])
    bins = np.linspace(low, max(high, low + 1e-3), _BINS + 1)
    for images, values in scores.items():
      axes.hist(values[name], bins, density=True, histtype='stepfilled', alpha=.5, label=images)
    axes.set_title(name)
    axes.set_xlabel('bits/dim')
    axes.set_yticks([])
  axes.legend()
  with files.one_line_errors(path):
    with files.written_whole(path) as temporary:
      picture.savefig(temporary, format='png', dpi=100)
