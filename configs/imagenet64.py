"""ImageNet 64x64, 8 bits: aims at the published 3.81 bits/dim on the validation split.

Source: Kingma & Dhariwal 2018, Table 2; openai/glow README, "ImageNet 64x64 Quantitative result".
Data: TFDS downsampled_imagenet/64x64, the set of the PixelRNN paper, 1.28 million images; TFDS
fetches it from image-net.org/small. Other downsampled ImageNets give other figures.
Hardware: 8 GPUs of 2018 (batch 16 on each) in the original.
"""

from configs import published


def get_config():
  config = published.defaults()
  config.dataset.name = 'downsampled_imagenet/64x64'
  config.dataset.image_size = 64
  config.dataset.resize = 'center_crop'
  config.dataset.shuffle_buffer = 50_000
  config.batch_size = 128
  config.num_steps = 1_000_000
  config.evaluation.batch_size = 64
  config.model.num_levels = 4
  config.model.depth = 48
  return config
