"""LSUN 128x128, 5 bits, additive couplings: the samples of the paper's qualitative section.

One category a run: --config=configs/lsun128_5bit.py:bedroom (the default), :tower,
:church_outdoor. No bits/dim are published for it; look at samples at temperature 0.7.
Source: Kingma & Dhariwal 2018, section 6; openai/glow README, "LSUN 96x96 and 128x128
Qualitative result". Images are cut to a central square and scaled down by areas.
Data: TFDS lsun/<category>, as in lsun64.py.
Hardware: 40 GPUs of 2018 (batch 4 on each) in the original.
"""

from configs import published


def get_config(category='bedroom'):
  config = published.defaults()
  config.dataset.name = f'lsun/{category}'
  config.dataset.image_size = 128
  config.dataset.resize = 'center_crop'
  config.batch_size = 160
  config.num_steps = 500_000
  config.evaluation.batch_size = 20
  config.sampling.num_samples = 16
  config.model.num_levels = 5
  config.model.depth = 64
  config.model.coupling = 'additive'
  config.model.n_bits = 5
  return config
