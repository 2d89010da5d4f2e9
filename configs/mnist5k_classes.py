"""The default config's digits given their class: samples by class, classification by Bayes' rule.

Result to expect: TO BE MEASURED
Data: comes with the installed packages, no download.
Hardware: 2 CPU cores.
"""

from configs import mnist5k


def get_config():
  config = mnist5k.get_config()
  config.model.num_classes = 10
  config.model.condition_couplings = True
  config.sampling.num_samples = 100
  return config
