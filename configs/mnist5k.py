"""5,000 MNIST digits on a laptop CPU in about 5 minutes. The default config.

Result to expect: at most 1.25 bits/dim on the 500 test digits after 300 s on 2 CPU cores
(8 bits, uniform dequantisation), legible digits.
Data: comes with the installed packages, no download.
Hardware: 2 CPU cores.
"""

from configs import base


def get_config():
  config = base.defaults()
  config.num_steps = 6_000
  config.eval_every = 500
  config.sample_every = 500
  config.checkpoint_every = 500
  config.model.num_levels = 2
  config.model.depth = 4
  config.model.hidden_channels = 96
  config.model.logit_alpha = 1e-5
  config.optimizer.name = 'adam'
  config.optimizer.learning_rate = 4e-3
  config.optimizer.schedule = 'cosine'
  config.optimizer.clip_norm = 1.
  config.optimizer.ema_decay = 0.998
  return config
