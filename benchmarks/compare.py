"""Speed, start-up and memory of the same Glow in several libraries, side by side.

    python -m benchmarks.compare [--shapes=128x8x32,512x4x16,128x32x16] [--json=FILE]
    python -m benchmarks.compare --parts --shapes=128x8x32

Each side has a process of its own, so that one library's threads do not stand in
another's way, and no two work at once. A process first measures the seconds to its
first training step and its peak memory. Each side is tried in all its settings (oneDNN off and on;
eager, channels_last and compiled, unless compiling takes over --compile_seconds), and in each
operation the one that was the fastest is what is compared. Then images/s are measured round after
round over all sides. Printed are medians over the rounds, and of the ratios to the first side.
Peers that are not installed are left out: `pip install -e '.[bench]'`. --parts
compares our own parts (couplings, networks, dequantisation) with the plain flow.
"""

import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import threading
import time

from absl import app
from absl import flags

from benchmarks import machine
from benchmarks import peers

FLAGS = flags.FLAGS
flags.DEFINE_list('shapes', ['128x8x32', '512x4x16', '128x32x16'], 'WIDTHxDEPTHxBATCH, each.')
flags.DEFINE_bool('parts', False, 'Measure parts of ours instead of libraries.')
flags.DEFINE_list('peers', None, 'Only these sides; the first is what the others are compared with.')
flags.DEFINE_integer('rounds', 5, 'Rounds over all sides.')
flags.DEFINE_float('seconds', 2., 'Of each measurement in a round.')
flags.DEFINE_float('compile_seconds', 300., 'The most that a side may take to compile.')
flags.DEFINE_string('json', None, 'File to write the results to.')
flags.DEFINE_string('side', None, 'Used by the program itself: be this side.')
flags.DEFINE_string('setting', None, 'Used by the program itself: in this setting.')

_OPERATIONS = ('train', 'log_prob', 'sample')
_NEEDS = {'normflows': 'normflows'}


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


def be_side(name, setting, shape):
  """Measures what standard input asks for: lines such as `train 2.0`, answered in images/s."""
  answers = os.fdopen(os.dup(1), 'w', buffering=1)
  os.dup2(2, 1)  # Libraries may print.
  width, depth, batch = map(int, shape.split('x'))
  _import_libraries(name)
  before = peak_memory()
  start = time.perf_counter()
  arguments = _details(name, setting).get('arguments', {})
  side = peers.SIDES[name](width, depth, batch, **arguments)
  side.train()
  first = time.perf_counter() - start
  for _ in range(3):
    side.train()
  print(json.dumps(dict(first_step_s=first, peak_mb=peak_memory() - before)), file=answers)
  for line in sys.stdin:
    operation, seconds = line.split()
    print(images_per_second(getattr(side, operation), batch, float(seconds)), file=answers)


def _details(name, setting):
  return peers.settings(name)[setting] if setting else {}


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


class Side:
  """One side's process in one setting; a context manager.

  Attributes:
    start: dict of `first_step_s` and `peak_mb`, above what its imports took.
    setting: str, a name in `peers.settings`; None: its library as it is installed.

  Raises:
    RuntimeError: if it fails, or takes too long to compile.
  """

  def __init__(self, name, shape, setting=None):
    details = _details(name, setting)
    command = [sys.executable, '-m', 'benchmarks.compare', f'--side={name}', f'--shapes={shape}',
               *([f'--setting={setting}'] if setting else [])]
    self.setting = setting
    self._limit = FLAGS.compile_seconds if details.get('compiles') else None
    self._process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **details.get('environment', {})})
    self.start = json.loads(self._answer())

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self._process.stdin.close()
    self._process.wait()

  def images_per_second(self, operation, seconds):
    print(operation, seconds, file=self._process.stdin, flush=True)
    return float(self._answer())

  def _answer(self):
    timer = threading.Timer(self._limit, self._process.kill) if self._limit else None
    if timer:
      timer.start()
    line = self._process.stdout.readline()
    if timer:
      timer.cancel()
    if not line:
      limit = f' or took over {self._limit:g} s to compile' if self._limit else ''
      raise RuntimeError(f'{" ".join(self._process.args)} failed, see above{limit}.')
    return line


def best_sides(name, shape, stack):
  """The running `Side` of the best setting by operation, those of others being closed.

  Args:
    name: str, a key of `peers.SIDES`.
    shape: str.
    stack: an `ExitStack` that closes those that are returned.
  """
  sides, speeds = [], {operation: [] for operation in _OPERATIONS}
  for setting, details in peers.settings(name).items():
    print(f'{shape}: building {name}, {setting}', file=sys.stderr, flush=True)
    try:
      side = Side(name, shape, setting)
      for operation in _OPERATIONS:
        side.images_per_second(operation, 0.)  # Traces or compiles it.
        speeds[operation].append(side.images_per_second(operation, FLAGS.seconds))
    except RuntimeError as error:
      if not details.get('compiles'):
        raise
      print(f'{error} Left out.', file=sys.stderr, flush=True)
      speeds = {operation: values[:len(sides)] for operation, values in speeds.items()}
      continue
    sides.append(side)
  best = {operation: sides[values.index(max(values))] for operation, values in speeds.items()}
  for side in sides:
    if side in best.values():
      stack.push(side)
    else:
      side.__exit__()
  return best


def measure_shape(names, shape, rate):
  width, depth, _ = map(int, shape.split('x'))
  speeds = {name: {operation: [] for operation in _OPERATIONS} for name in names}
  with contextlib.ExitStack() as stack:
    sides = {name: best_sides(name, shape, stack) for name in names}
    for i in range(FLAGS.rounds):
      print(f'{shape}: round {i + 1} of {FLAGS.rounds}', file=sys.stderr, flush=True)
      for operation in _OPERATIONS:
        for name in names:
          speeds[name][operation].append(
              sides[name][operation].images_per_second(operation, FLAGS.seconds))
  madds = peers.multiply_adds(width, depth)
  rows = {}
  for name in names:
    row = rows[name] = dict(sides[name]['train'].start)
    for operation in _OPERATIONS:
      row[operation] = statistics.median(speeds[name][operation])
      row[f'{operation}_setting'] = sides[name][operation].setting
      row[f'{operation}_ratio'] = statistics.median(
          ours / its for ours, its in zip(speeds[names[0]][operation], speeds[name][operation]))
    row['matmul_fraction'] = 3 * madds * row['train'] / rate
  return dict(multiply_adds=madds, rows=rows)


def print_table(shape, result):
  width, depth, batch = shape.split('x')
  print(f'\n32x32x3, L = 3, W = {width}, K = {depth}, batch {batch}; '
        f'{result["multiply_adds"] / 1e6:.0f} M multiply-adds an image and log_prob')
  print(f'(in brackets: how many times as fast as this side {next(iter(result["rows"]))} is)\n')
  print('| | train images/s | log_prob images/s | sampling images/s | of matmul rate '
        '| first step s | peak MB |')
  print('|---|---|---|---|---|---|---|')
  for name, row in result['rows'].items():
    cells = [f'{row[o]:.1f} ({row[o + "_ratio"]:.2f}), {row[o + "_setting"]}'
             for o in _OPERATIONS]
    cells += [f'{100 * row["matmul_fraction"]:.0f}%', f'{row["first_step_s"]:.1f}',
              f'{row["peak_mb"]:.0f}']
    print(f'| {name} | ' + ' | '.join(cells) + ' |')


def main(_):
  if FLAGS.side:
    be_side(FLAGS.side, FLAGS.setting, FLAGS.shapes[0])
    return
  wanted = FLAGS.peers or (list(peers.PARTS) if FLAGS.parts else ['tfp_glow', *peers.PEERS])
  names = [name for name in wanted
           if name not in _NEEDS or importlib.util.find_spec(_NEEDS[name])]
  for name in set(wanted) - set(names):
    print(f'{name} is not installed and left out.', file=sys.stderr)
  rate = matmul_rate()
  results = dict(machine=machine.machine(), matmul_gmadds_per_s=rate / 1e9, shapes={})
  for shape in FLAGS.shapes:
    results['shapes'][shape] = result = measure_shape(names, shape, rate)
    print_table(shape, result)
  print(f'\nMatrix product: {rate / 1e9:.0f} G multiply-adds a second.')
  if FLAGS.json:
    with open(FLAGS.json, 'w', encoding='utf-8') as file:
      json.dump(results, file, indent=2)


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
