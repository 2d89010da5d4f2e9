"""CIFAR-10, 8 bits: aims at the published 3.35 bits/dim on the test split.

Source: Kingma & Dhariwal 2018, Table 2; openai/glow README, "CIFAR-10 Quantitative result".
Images are shifted by up to a tenth of their size, as the authors' loader does by default, and
not mirrored.
Data: TFDS cifar10, a download of 170 MB.
Hardware: 8 GPUs of 2018 (batch 64 on each) in the original; about 44 million weights. On one
GPU expect days; with batch 64 another implementation stopped at 3.39 (y0ast/Glow-PyTorch).
"""

from configs import published


def get_config():
  config = published.defaults()
  config.dataset.name = 'cifar10'
  config.dataset.shift = 3
  config.batch_size = 512
  config.num_steps = 200_000
  config.model.num_levels = 3
  config.model.depth = 32
  return config
