"""The simple MNIST flow of the normalizing-flows tutorial: aims at its 1.078 bits/dim.

That figure is of the 10,000 test digits with 8 importance samples, as
`--mode=evaluate --importance_samples=8` measures it. Eight checkerboard couplings with gated
networks and the tanh scale map, uniform dequantisation, logit alpha 1e-5; batches of 128, Adam
1e-3 falling over 200 epochs, clipped to norm 1. The tutorial keeps 10,000 training digits for
validation and lets the rate fall by 1% an epoch, not by a cosine. `model.num_levels`, `depth`,
`hidden_channels` and the other fields of Glow do not matter here.
Source: phlippe/uvadlc_notebooks, tutorial 11 (UvA deep learning course), "simple".
Data: TFDS mnist, 11 MB. Without internet: --config.dataset.name=mnist5k.
Hardware: a GPU.
"""

from configs import base


def get_config():
  config = base.defaults()
  config.dataset.name = 'mnist'
  config.batch_size = 128
  config.num_steps = 78_000
  config.model.name = 'tutorial_simple'
  config.model.network = 'gated'
  config.model.scale_map = 'tanh'
  config.model.learn_top = False
  config.model.logit_alpha = 1e-5
  config.optimizer.name = 'adam'
  config.optimizer.schedule = 'cosine'
  config.optimizer.clip_norm = 1.
  return config
