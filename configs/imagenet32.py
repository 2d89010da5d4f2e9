"""ImageNet 32x32, 8 bits: aims at the published 4.09 bits/dim on the validation split.

Source: Kingma & Dhariwal 2018, Table 2; openai/glow README, "ImageNet 32x32 Quantitative result".
Data: TFDS downsampled_imagenet/32x32, the set of the PixelRNN paper, 1.28 million images; TFDS
fetches it from image-net.org/small. Other downsampled ImageNets give other figures.
Hardware: 8 GPUs of 2018 (batch 64 on each) in the original.
"""

from configs import published


def get_config():
  config = published.defaults()
  config.dataset.name = 'downsampled_imagenet/32x32'
  config.dataset.image_size = 32
  config.dataset.resize = 'center_crop'
  config.dataset.shuffle_buffer = 50_000
  config.batch_size = 512
  config.num_steps = 500_000
  config.model.num_levels = 3
  config.model.depth = 48
  return config
