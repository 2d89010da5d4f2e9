"""LSUN 64x64, 8 bits: aims at 2.38 (bedroom), 2.46 (tower), 2.67 (church) bits/dim.

One category a run: --config=configs/lsun64.py:bedroom (the default), :tower, :church_outdoor.
Source: Kingma & Dhariwal 2018, Table 2; openai/glow README, "LSUN 64x64 Quantitative result".
As in RealNVP the shorter side is scaled to 96 pixels and a random 64x64 part is cut each time;
evaluation cuts the centre, once for each of the 300 validation images.
Data: TFDS lsun/<category>, a download of 46 GB (bedroom), 12 GB (tower) or 2.4 GB (church); TFDS
reads it with the package tensorflow-io.
Hardware: 8 GPUs of 2018 (batch 16 on each) in the original.
"""

from configs import published


def get_config(category='bedroom'):
  config = published.defaults()
  config.dataset.name = f'lsun/{category}'
  config.dataset.image_size = 64
  config.dataset.resize = 'random_crop'
  config.dataset.crop_from = 96
  config.batch_size = 128
  config.num_steps = 500_000
  config.evaluation.batch_size = 60
  config.model.num_levels = 3
  config.model.depth = 48
  return config
