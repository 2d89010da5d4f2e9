"""The area under the ROC curve, by ranks."""

import numpy as np

__all__ = ['auroc']


def auroc(inside, outside):
  """Probability that an outsider scores higher than an insider, ties counting half.

      U / (n m),   U = sum of the outsiders' ranks - m (m + 1) / 2

  (Mann & Whitney 1947; Hanley & McNeil 1982.) 1/2 is chance; below 1/2 the score
  is misled.

  Args:
    inside: float array `[n]`, scores of images of the model's own data.
    outside: float array `[m]`, scores of others.

  Returns:
    A float.
  """
  scores = np.concatenate([inside, outside])
  _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
  mean_ranks = np.cumsum(counts) - (counts - 1) / 2.
  n, m = len(inside), len(outside)
  return float((mean_ranks[index][n:].sum() - m * (m + 1) / 2.) / (n * m))
