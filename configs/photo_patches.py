"""32x32 colour patches of nine photographs on a laptop CPU.

Shows a Glow on colour images without a download. The test patches come from two photographs
that training never sees, so the figure tells how well local texture carries over.
No published figure: the data set is this project's own.
Data: comes with the installed packages, no download.
Hardware: 2 CPU cores.
"""

from configs import base


def get_config():
  config = base.defaults()
  config.dataset.name = 'photo_patches'
  config.dataset.flip = True
  config.batch_size = 32
  config.num_steps = 5_000
  config.model.num_levels = 3
  config.model.depth = 4
  config.model.hidden_channels = 64
  config.optimizer.name = 'adam'
  config.optimizer.learning_rate = 1e-3
  config.optimizer.warmup_steps = 100
  config.optimizer.schedule = 'cosine'
  config.optimizer.clip_norm = 1.
  return config
