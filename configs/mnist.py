"""MNIST, all 60,000 training and 10,000 test digits, in about two hours of two CPU cores.

As `configs/fashion_mnist.py`: the flow of `configs/mnist5k.py` without its classes, for as many
steps. Fewer digits do with fewer steps: `configs/mnist5k_unconditional.py`.
The figures to compare with are those of `configs/tutorial_multiscale.py` and its siblings.
Data: TFDS mnist, a download of 11 MB. Without internet, from a folder of MNIST's four IDX files:
--config.dataset.name=idx --config.dataset.data_dir=FOLDER
Hardware: 2 CPU cores.
"""

from configs import fashion_mnist


def get_config():
  config = fashion_mnist.get_config()
  config.dataset.name = 'mnist'
  return config
