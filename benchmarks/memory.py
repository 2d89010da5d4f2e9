"""Memory and time of a training step with and without stored activations, by depth.

    python -m benchmarks.memory [--width=128] [--depths=8,32,64] [--batch=32]

Peak memory is of a fresh process less what its imports took. The activations'
share is the peak at the batch size less the peak at batch size 1, for which
weights, gradients and optimizer slots are as large.
"""

import contextlib
import os
import statistics
import sys

from absl import app
from absl import flags

from benchmarks import compare

FLAGS = flags.FLAGS
flags.DEFINE_integer('width', 128, 'Channels of the hidden layers.')
flags.DEFINE_list('depths', ['8', '32', '64'], 'K, each.')
flags.DEFINE_integer('batch', 32, 'Images in a batch.')

_SIDES = ('plain', 'reversible')


def measure_depth(depth):
  """For each side its peaks at the batch size and at batch 1, and seconds a step, times plain."""
  peaks = {}
  with contextlib.ExitStack() as stack:
    sides = [stack.enter_context(compare.Side(name, f'{FLAGS.width}x{depth}x{FLAGS.batch}'))
             for name in _SIDES]
    speeds = [[side.images_per_second('train', FLAGS.seconds) for side in sides]
              for _ in range(FLAGS.rounds)]
    for name, side in zip(_SIDES, sides):
      peaks[name] = [side.start['peak_mb']]
  for name in _SIDES:
    with compare.Side(name, f'{FLAGS.width}x{depth}x1') as side:
      peaks[name].append(side.start['peak_mb'])
  times = [statistics.median(speed[0] / speed[i] for speed in speeds)
           for i in range(len(_SIDES))]
  return zip(_SIDES, peaks.values(), times)


def main(_):
  print('| K | side | peak MB | activations MB | seconds a step, times plain |')
  print('|---|---|---|---|---|')
  for depth in FLAGS.depths:
    for name, (peak, peak_of_one), time in measure_depth(int(depth)):
      print(f'| {depth} | {name} | {peak:.0f} | {peak - peak_of_one:.0f} | {time:.2f} |')
    sys.stdout.flush()


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
