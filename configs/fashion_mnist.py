"""Fashion-MNIST, all 60,000 training and 10,000 test images, in about two hours of two CPU cores.

The flow of `configs/mnist5k.py`, twice as deep and without its classes: the figure is bits/dim of
images alone, which classes do not lower there, and which take a pass for each class wherever an image
without its label is measured. --config.model.num_classes=10 --config.model.condition_couplings=True adds them.
Data: TFDS fashion_mnist, a download of 31 MB. Without internet, from Debian's or Ubuntu's
package dataset-fashion-mnist:
--config.dataset.name=idx --config.dataset.data_dir=/usr/share/datasets/fashion-mnist
Hardware: 2 CPU cores.
Result to expect: 2.880 +- 0.009 bits/dim on the 10,000 test images (8 bits, variational dequantisation,
one draw), after 6,830 s of training on 2 CPU cores with AVX-512 (docs/results.md).
"""

from configs import mnist5k_unconditional


def get_config():
  config = mnist5k_unconditional.get_config()
  config.dataset.name = 'fashion_mnist'
  # 19 epochs.
  config.num_steps = 36_000
  config.eval_every = 2_000
  config.sample_every = 6_000
  config.checkpoint_every = 1_000
  config.model.depth = 8
  config.model.conv_init = 'rotation'  # As measured.
  config.optimizer.learning_rate = 2e-3
  config.optimizer.warmup_steps = 200
  config.optimizer.ema_decay = 0.999
  return config
