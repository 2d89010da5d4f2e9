"""How long it takes until the first training step is done, in ratios that hold on other machines.

    python -m benchmarks.start_up [--rounds=5] [--json=FILE] [--sides=imports,command]

Everything runs in a fresh process, one at a time, round after round. Printed are medians over the
rounds of wall clock and CPU seconds (user and system), which other processes disturb less, and
of each round's ratios of both:

  imports    python -c "import tensorflow, tensorflow_probability, tensorflow_datasets"
  command    python train.py, from the command to the end of the first step
  ours_K     build, data-dependent initialisation, trace and first run of a training step,
             32x32x3, L = 3, W = 128, K steps, batch 32 (K = 32: batch 16); imports do not count
  theirs_32  the same of `tfp.bijectors.Glow`, which takes minutes
"""

import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags

FLAGS = flags.FLAGS
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_IMPORTS = 'import tensorflow, tensorflow_probability, tensorflow_datasets'
_SIDES = ('imports', 'command', 'ours_8', 'ours_64', 'ours_32', 'theirs_32')
# What is compared, and the most that it should be.
_RATIOS = (('command', 'imports', 1.8), ('ours_32', 'theirs_32', 1 / 20), ('ours_8', 'imports', .5),
           ('ours_64', 'ours_8', 1.15))
_WIDTH = 128


def be_side(side, folder):
  """Is one side, in a process of its own with an empty folder; prints a JSON dict of seconds."""
  name, _, depth = side.partition('_')
  if name == 'command':
    _be_command(folder)
  batch = 16 if depth == '32' else 32
  seconds = (_be_ours if name == 'ours' else _be_theirs)(int(depth), batch)
  print(json.dumps(seconds), flush=True)
  os._exit(0)


def _be_command(folder):
  """Runs train.py until its first step is done, which ends this process."""
  from tfp_glow import commands
  run = commands.run

  def run_one_step(mode, **given):
    from tfp_glow.runs import metrics
    step = metrics.Metrics.step
    metrics.Metrics.step = lambda self, number: os._exit(0) if number else step(self, number)
    return run(mode, **given)

  commands.run = run_one_step
  program = os.path.join(_ROOT, 'train.py')
  sys.argv = [program, f'--workdir={folder}/run']
  runpy.run_path(program, run_name='__main__')


class _Phases:
  """Wall clock and CPU seconds of phases, and of all together."""

  def __init__(self):
    self.seconds = {}
    self._last = time.perf_counter(), time.process_time()

  def end(self, name):
    now = time.perf_counter(), time.process_time()
    passed = [n - l for n, l in zip(now, self._last)]
    total = [p + t for p, t in zip(passed, (self.seconds.get('wall', 0.),
                                            self.seconds.get('cpu', 0.)))]
    self.seconds.update({name: passed[0], f'{name}_cpu': passed[1], 'wall': total[0],
                         'cpu': total[1]})
    self._last = now


def _be_ours(depth, batch):
  import tensorflow as tf
  from configs import base
  from tfp_glow import training
  from tfp_glow.distributions import noise as noise_lib
  from tfp_glow.runs import trained
  from tfp_glow.training import state as state_lib
  from tfp_glow.training import train_step
  config = base.defaults()
  config.update(dict(batch_size=batch))
  config.model.update(dict(depth=depth, hidden_channels=_WIDTH))
  cluster = training.make_cluster()
  tf.function(lambda: tf.ones(1))()
  images = tf.cast(tf.random.stateless_uniform([batch, 32, 32, 3], [1, 2], 0, 256, tf.int32),
                   tf.uint8)
  phases = _Phases()
  state = state_lib.TrainState(
      cluster, lambda: trained.make_model(config, (32, 32, 3)), config.optimizer, config.seed)
  phases.end('build')
  state.initialize(images, noise_lib.batch_noise(config.seed, 0, images.shape))
  phases.end('initialise')
  step = train_step.make_train_step(cluster, state, config)
  step.get_concrete_function(images, tf.constant(0.), {})
  phases.end('trace')
  step(images, tf.constant(0.), {}).numpy()
  phases.end('run')
  return phases.seconds


def _be_theirs(depth, batch):
  import tensorflow as tf
  import tensorflow_probability as tfp
  from benchmarks import peers
  tf.function(lambda: tf.ones(1))()
  tfp.bijectors.GlowDefaultNetwork((4, 4, 2))  # Makes TFP load its Keras.
  phases = _Phases()
  side = peers.TfpBijectorsGlow(_WIDTH, depth, batch)
  phases.end('build')
  side.train()
  phases.end('trace_and_run')
  return phases.seconds


def measure(side):
  """Seconds of a side, a dict with at least `wall` and `cpu`."""
  with tempfile.TemporaryDirectory() as folder:
    program = _IMPORTS if side == 'imports' else (
        f'from benchmarks import start_up; start_up.be_side({side!r}, {folder!r})')
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, '-c', program], cwd=_ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
  process.returncode = os.waitstatus_to_exitcode(status)
  if process.returncode:
    raise RuntimeError(f'{side} failed; python -c {program!r} says why.')
  return json.loads(output) if output else dict(wall=wall, cpu=usage.ru_utime + usage.ru_stime)


def main(_):
  seconds = {side: [] for side in FLAGS.sides}
  for i in range(FLAGS.rounds):
    for side in FLAGS.sides:
      print(f'round {i + 1} of {FLAGS.rounds}: {side}', file=sys.stderr, flush=True)
      seconds[side].append(measure(side))
  print('| side | phase | wall s | CPU s |\n|---|---|---|---|')
  for side, rounds in seconds.items():
    for phase in [key[:-len('_cpu')] for key in rounds[0] if key.endswith('_cpu')] + ['']:
      wall, cpu = [statistics.median(r[key] for r in rounds) for key in (
          (phase, f'{phase}_cpu') if phase else ('wall', 'cpu'))]
      print(f'| {side} | {phase or "all"} | {wall:.2f} | {cpu:.2f} |')
  print('\n| ratio | wall | CPU | at most |\n|---|---|---|---|')
  for one, other, most in _RATIOS:
    if one in seconds and other in seconds:
      wall, cpu = [statistics.median(a[key] / b[key] for a, b in zip(seconds[one], seconds[other]))
                   for key in ('wall', 'cpu')]
      print(f'| {one} / {other} | {wall:.3f} | {cpu:.3f} | {most:.3f} |')
  if FLAGS.json:
    with open(FLAGS.json, 'w', encoding='utf-8') as file:
      json.dump(seconds, file, indent=2)


if __name__ == '__main__':
  flags.DEFINE_integer('rounds', 5, 'Rounds over all sides.')
  flags.DEFINE_list('sides', list(_SIDES), 'What to measure.')
  flags.DEFINE_string('json', None, 'File to write all seconds to.')
  app.run(main)
