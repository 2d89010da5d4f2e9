"""The simple flow of the tutorial, dequantised variationally: aims at its 1.043 bits/dim.

As `configs/tutorial_simple.py`, with four checkerboard couplings on the noise, conditioned on
the image. The figure is of the MNIST test digits with 8 importance samples.
Source: phlippe/uvadlc_notebooks, tutorial 11 (UvA deep learning course), "vardeq".
Data: TFDS mnist, 11 MB. Without internet: --config.dataset.name=mnist5k.
Hardware: a GPU.
"""

from configs import tutorial_simple


def get_config():
  config = tutorial_simple.get_config()
  config.model.dequantization = 'variational'
  return config
