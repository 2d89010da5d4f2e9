"""Memory and time of a training step with and without stored activations, by depth.

    python -m benchmarks.memory [--width=128] [--depths=8,32,64] [--batch=32]

Peak memory is of a fresh process less what its imports took. The activations'
share is the peak at the batch size less the peak at batch size 1, for which
weights, gradients and optimizer slots are as large.
"""

import os
import statistics
import sys

from absl import app
from absl import flags

from benchmarks import compare
from benchmarks import peers

FLAGS = flags.FLAGS
flags.DEFINE_integer('width', 128, 'Channels of the hidden layers.')
flags.DEFINE_list('depths', ['8', '32', '64'], 'K, each.')
flags.DEFINE_integer('batch', 32, 'Images in a batch.')

_SIDES = ('tfp_glow', 'tfp_glow, reversible')


def step_time_ratio(depth):
  """Median over rounds of reversible over plain seconds a step."""
  plain, reversible = [
      (peers.PEERS | peers.VARIANTS)[name](FLAGS.width, depth, FLAGS.batch) for name in _SIDES]
  plain.train(), reversible.train()
  ratios = []
  for _ in range(FLAGS.rounds):
    speeds = [compare.images_per_second(side.train, FLAGS.batch, FLAGS.seconds)
              for side in (plain, reversible)]
    ratios.append(speeds[0] / speeds[1])
  return statistics.median(ratios)


def main(_):
  print('| K | side | peak MB | activations MB | seconds a step, times plain |')
  print('|---|---|---|---|---|')
  for depth in FLAGS.depths:
    ratio = step_time_ratio(int(depth))
    for name in _SIDES:
      peaks = [
          compare.measure_in_fresh_process(name, f'{FLAGS.width}x{depth}x{batch}')['peak_mb']
          for batch in (FLAGS.batch, 1)]
      print(f'| {depth} | {name} | {peaks[0]:.0f} | {peaks[0] - peaks[1]:.0f} | '
            f'{ratio if name != "tfp_glow" else 1.:.2f} |')
      sys.stdout.flush()


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
