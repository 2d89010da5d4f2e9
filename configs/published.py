"""What the experiments of the Glow paper have in common.

Source: Kingma & Dhariwal 2018 and the authors' code, openai/glow: its README gives the command
lines, its train.py the rest: Adamax with learning rate 1e-3, rising linearly over the first 10
"epochs" of 50,000 images counted at 32x32; networks of width 512; learned top prior; local batch
64 * 32^2 / size^2 on each GPU, which is what the batch sizes here are computed from.
Lengths of training are not published; ours are round numbers of the same order.
"""

from configs import base


def defaults():
  """`base.defaults()` with what all published experiments share."""
  config = base.defaults()
  config.log_every = 100
  config.eval_every = 5_000
  config.sample_every = 5_000
  config.checkpoint_every = 2_000
  config.model.scale_map = 'sigmoid'
  config.model.input_limit = 0.
  config.optimizer.name = 'adamax'
  config.optimizer.learning_rate = 1e-3
  # 10 epochs of 50,000 images in batches of 8 * 64. The authors count an image of any size as
  # if it were 32x32, so this is the number of steps at every size on 8 GPUs.
  config.optimizer.warmup_steps = 980
  config.optimizer.ema_decay = 0.9999
  return config
