"""The digits of the default config without their classes, which a prior of digits wants.

Result to expect: RESULT
Data: comes with the installed packages, no download.
Hardware: 2 CPU cores.
"""

from configs import mnist5k


def get_config():
  config = mnist5k.get_config()
  config.model.num_classes = 0
  config.model.condition_couplings = False
  config.sampling.num_samples = 64
  config.sampling.temperature = 0.85
  return config
