"""The multi-scale MNIST flow of the normalizing-flows tutorial (UvA deep learning, tutorial 11).

Checkerboard and channel couplings, gated networks, tanh scale map, splits with a standard normal
prior; batches of 128, Adam 1e-3 falling over 200 epochs, clipped to norm 1, logit alpha 1e-5.
The tutorial dequantises variationally, this config uniformly. `model.num_levels`, `depth`,
`hidden_channels` and the other fields of Glow do not matter here.
Source: phlippe/uvadlc_notebooks, tutorial11 (about 1.06 million weights, with those of the
variational dequantisation, which this config does not have).
Data: TFDS mnist, 11 MB. Without internet: --config.dataset.name=mnist5k.
Hardware: a GPU; 2 hours 17 minutes on an RTX 3090 in the tutorial's own PyTorch code, by the
tutorial's account.
"""

from configs import base


def get_config():
  config = base.defaults()
  config.dataset.name = 'mnist'
  config.batch_size = 128
  config.num_steps = 78_000
  config.model.name = 'tutorial_multi_scale'
  config.model.network = 'gated'
  config.model.scale_map = 'tanh'
  config.model.learn_top = False
  config.model.logit_alpha = 1e-5
  config.optimizer.name = 'adam'
  config.optimizer.schedule = 'cosine'
  config.optimizer.clip_norm = 1.
  return config
