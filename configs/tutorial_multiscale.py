"""The multi-scale MNIST flow of the tutorial: aims at its 1.020 bits/dim.

As `configs/tutorial_vardeq.py`, with checkerboard couplings, a squeeze, channel couplings, a split
with a standard normal prior, and again a squeeze and channel couplings. The figure is of the
MNIST test digits with 8 importance samples.
Source: phlippe/uvadlc_notebooks, tutorial 11 (UvA deep learning course), "multiscale".
Data: TFDS mnist, 11 MB. Without internet: --config.dataset.name=mnist5k.
Hardware: a GPU; 2 hours 17 minutes on an RTX 3090 in the tutorial's own PyTorch code, by the
tutorial's account.
"""

from configs import tutorial_vardeq


def get_config():
  config = tutorial_vardeq.get_config()
  config.model.name = 'tutorial_multi_scale'
  return config
