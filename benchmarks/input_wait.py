"""Share of training time spent waiting for data on the embedded sets.

    python -m benchmarks.input_wait [--steps=200]
"""

import importlib
import os
import time

from absl import app
from absl import flags

_STEPS = flags.DEFINE_integer('steps', 200, 'Training steps measured.')


def main(_):
  import tensorflow as tf
  from tfp_glow import data
  from tfp_glow import training
  from tfp_glow.runs import trained
  from tfp_glow.training import state as state_lib
  from tfp_glow.training import train_step as train_step_lib
  for name in ('mnist5k', 'photo_patches'):
    config = importlib.import_module(f'configs.{name}').get_config()
    source = data.load(config.dataset)
    cluster = training.Cluster(tf.distribute.get_strategy())
    state = state_lib.TrainState(
        cluster, lambda: trained.make_model(config, source.image_shape), config.optimizer,
        config.seed)
    step = train_step_lib.make_train_step(cluster, state, config)
    batches = iter(data.train_batches(source, batch_size=config.batch_size, seed=config.seed))
    go_on = tf.constant(0.)
    step(next(batches)['image'], go_on)
    waited, start = 0., time.perf_counter()
    for _ in range(_STEPS.value):
      before = time.perf_counter()
      images = next(batches)['image']
      waited += time.perf_counter() - before
      step(images, go_on).numpy()
    total = time.perf_counter() - start
    print(f'{name}: {_STEPS.value} steps in {total:.1f} s, {100 * waited / total:.2f}% of it '
          f'waiting for data.')


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
