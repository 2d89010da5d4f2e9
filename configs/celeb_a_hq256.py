"""CelebA-HQ 256x256, 5 bits, additive couplings: the faces of the paper's figure 1.

The paper shows samples, at temperature 0.7, and gives no bits/dim for them; papers that compare
with it quote 1.03 at 5 bits.
Source: Kingma & Dhariwal 2018, section 6; openai/glow README, "CelebA-HQ 256x256 Qualitative
result".
Data: TFDS celeb_a_hq/256, which cannot be downloaded by a program. Make data256x256.tar with the
scripts of tkarras/progressive_growing_of_gans (as TFDS' page on celeb_a_hq describes) and put it
into <data_dir>/downloads/manual; or point configs/folder.py at a folder of such images. Of the
30,000 images the last 3,000 are held out for testing.
Hardware: 40 GPUs of 2018 for about a week (batch 1 on each; openai/glow, thread 37). About 175
million weights.
"""

from configs import published


def get_config():
  config = published.defaults()
  config.dataset.name = 'celeb_a_hq/256'
  config.dataset.image_size = 256
  config.dataset.resize = 'center_crop'
  config.dataset.shuffle_buffer = 2_000
  config.batch_size = 40
  config.num_steps = 500_000
  config.evaluation.batch_size = 10
  config.sampling.num_samples = 16
  config.model.num_levels = 6
  config.model.depth = 32
  config.model.coupling = 'additive'
  config.model.n_bits = 5
  return config
