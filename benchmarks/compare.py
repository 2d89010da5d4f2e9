"""Speed, start-up and memory of the same Glow in several libraries, side by side.

    python -m benchmarks.compare [--shapes=128x8x32,512x4x16,128x32x16] [--json=FILE]

One process measures images/s with the sides alternated, and prints medians over
the rounds and their ratios to ours. Seconds to the first training step and peak
memory come from a fresh process each. Peers that are not installed are left out:
`pip install -e '.[bench]'`. With --peers=... any two can be compared, variants
of ours included.
"""

import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time

from absl import app
from absl import flags

from benchmarks import peers

FLAGS = flags.FLAGS
flags.DEFINE_list('shapes', ['128x8x32', '512x4x16', '128x32x16'], 'WIDTHxDEPTHxBATCH, each.')
flags.DEFINE_list('peers', list(peers.PEERS), 'Sides to measure; the first is the reference.')
flags.DEFINE_integer('rounds', 5, 'Rounds over all sides.')
flags.DEFINE_float('seconds', 2., 'Of each measurement in a round.')
flags.DEFINE_bool('fresh', True, 'Also measure first step and memory, a process for each side.')
flags.DEFINE_string('json', None, 'File to write the results to.')
flags.DEFINE_string('one', None, 'Used by the program itself: measure one side in this process.')

_OPERATIONS = ('train', 'log_prob', 'sample')
_ALL = peers.PEERS | peers.VARIANTS
_NEEDS = {'normflows': 'normflows', 'normflows, compiled': 'normflows'}


def images_per_second(operation, batch, seconds):
  count, start = 0, time.perf_counter()
  while count == 0 or time.perf_counter() - start < seconds:
    operation()
    count += 1
  return count * batch / (time.perf_counter() - start)


def matmul_rate(seconds=2.):
  """Multiply-adds per second of a large float32 matrix product."""
  import tensorflow as tf
  a = tf.random.normal([2048, 2048])
  product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)))
  product()
  return images_per_second(lambda: product().numpy(), 2048**3, seconds)


def peak_memory():
  """The process' largest resident set so far, in MB."""
  with open('/proc/self/status', encoding='utf-8') as status:
    line = next(line for line in status if line.startswith('VmHWM'))
  return int(line.split()[1]) / 1024


def measure_fresh(name, width, depth, batch):
  """First step and peak memory of one side, in this fresh process."""
  _import_libraries(name)
  before = peak_memory()
  start = time.perf_counter()
  side = _ALL[name](width, depth, batch)
  side.train()
  first = time.perf_counter() - start
  for _ in range(3):
    side.train()
  return dict(first_step_s=first, peak_mb=peak_memory() - before)


def _import_libraries(name):
  """Imports that would otherwise count as part of the first step."""
  if name in _NEEDS:
    import normflows
    import torch
    torch.ones(1).sum()
    del normflows
    return
  import keras
  import tensorflow as tf
  import tensorflow_probability as tfp
  tf.function(lambda: tf.ones(1))()
  tfp.bijectors.GlowDefaultNetwork((4, 4, 2))  # Makes TFP load its Keras.
  del keras


def measure_in_fresh_process(name, shape):
  command = [sys.executable, '-m', 'benchmarks.compare', f'--one={name}', f'--shapes={shape}']
  output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
  return json.loads(output.splitlines()[-1])


def measure_shape(names, shape, rate):
  width, depth, batch = map(int, shape.split('x'))
  sides = {}
  for name in names:
    print(f'{shape}: building {name}', file=sys.stderr, flush=True)
    sides[name] = _ALL[name](width, depth, batch)
    for operation in _OPERATIONS:
      getattr(sides[name], operation)()
  speeds = {name: {operation: [] for operation in _OPERATIONS} for name in names}
  for i in range(FLAGS.rounds):
    print(f'{shape}: round {i + 1} of {FLAGS.rounds}', file=sys.stderr, flush=True)
    for operation in _OPERATIONS:
      for name, side in sides.items():
        speeds[name][operation].append(
            images_per_second(getattr(side, operation), batch, FLAGS.seconds))
  madds = peers.multiply_adds(width, depth)
  rows = {}
  for name in names:
    row = rows[name] = {}
    for operation in _OPERATIONS:
      reference = speeds[names[0]][operation]
      row[operation] = statistics.median(speeds[name][operation])
      row[f'{operation}_ratio'] = statistics.median(
          ours / its for ours, its in zip(reference, speeds[name][operation]))
    row['matmul_fraction'] = 3 * madds * row['train'] / rate
    if FLAGS.fresh:
      row |= measure_in_fresh_process(name, shape)
  return dict(multiply_adds=madds, rows=rows)


def print_table(shape, result, reference):
  width, depth, batch = shape.split('x')
  print(f'\n32x32x3, L = 3, W = {width}, K = {depth}, batch {batch}; '
        f'{result["multiply_adds"] / 1e6:.0f} M multiply-adds an image and log_prob')
  print(f'(in brackets: how many times as fast as this side {reference} is)\n')
  print('| | train images/s | log_prob images/s | sampling images/s | of matmul rate '
        '| first step s | peak MB |')
  print('|---|---|---|---|---|---|---|')
  for name, row in result['rows'].items():
    cells = [f'{row[o]:.1f} ({row[o + "_ratio"]:.2f})' for o in _OPERATIONS]
    cells.append(f'{100 * row["matmul_fraction"]:.0f}%')
    cells.append(f'{row["first_step_s"]:.1f}' if 'first_step_s' in row else '')
    cells.append(f'{row["peak_mb"]:.0f}' if 'peak_mb' in row else '')
    print(f'| {name} | ' + ' | '.join(cells) + ' |')


def main(_):
  if FLAGS.one:
    width, depth, batch = map(int, FLAGS.shapes[0].split('x'))
    print(json.dumps(measure_fresh(FLAGS.one, width, depth, batch)))
    return
  names = [name for name in FLAGS.peers
           if name not in _NEEDS or importlib.util.find_spec(_NEEDS[name])]
  for name in set(FLAGS.peers) - set(names):
    print(f'{name} is not installed and left out.', file=sys.stderr)
  rate = matmul_rate()
  results = dict(
      machine=f'{platform.processor() or platform.machine()}, {os.cpu_count()} cores',
      matmul_gmadds_per_s=rate / 1e9, shapes={})
  for shape in FLAGS.shapes:
    results['shapes'][shape] = result = measure_shape(names, shape, rate)
    print_table(shape, result, names[0])
  print(f'\nMatrix product: {rate / 1e9:.0f} G multiply-adds a second.')
  if FLAGS.json:
    with open(FLAGS.json, 'w', encoding='utf-8') as file:
      json.dump(results, file, indent=2)


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
