"""The digits of mnist5k_unconditional with couplings that look at the whole image by self-attention.

As in Flow++ (Ho et al. 2019), whose networks these are in small: convolutions and attention in
turn, mixtures of logistics. Attention costs (H W)^2, so most steps are for patience or a GPU.
No published figure: the data set is this project's own.
Data: comes with the installed packages, no download.
Hardware: a GPU; 2 CPU cores to try it.
"""

from configs import mnist5k_unconditional


def get_config():
  config = mnist5k_unconditional.get_config()
  config.model.network = 'attention'
  config.model.depth = 2
  config.model.hidden_channels = 32
  config.optimizer.learning_rate = 1e-3
  config.optimizer.warmup_steps = 200
  return config
