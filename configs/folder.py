"""Your own images: --config=configs/folder.py --config.dataset.data_dir=PATH.

All picture files below the folder are used (png, jpg, gif, bmp, webp, tiff), cut to a central
square of 32 pixels (`--config.dataset.image_size=64` for more, and `--config.model.num_levels=4`
with it). About a tenth of them, chosen by a hash of their names, is held out for testing.
No published figure: it depends on the images.
Hardware: 2 CPU cores to try it; a GPU, and a larger model.depth and model.hidden_channels, for
good pictures.
"""

from configs import base


def get_config():
  config = base.defaults()
  config.dataset.name = 'folder'
  config.dataset.image_size = 32
  config.dataset.resize = 'center_crop'
  config.dataset.flip = True
  config.batch_size = 32
  config.num_steps = 10_000
  config.model.num_levels = 3
  config.model.depth = 8
  config.model.hidden_channels = 128
  config.optimizer.name = 'adam'
  config.optimizer.learning_rate = 1e-3
  config.optimizer.warmup_steps = 200
  config.optimizer.clip_norm = 1.
  return config
