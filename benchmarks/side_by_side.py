"""Test bits/dim against seconds of training: ours beside PyTorch Glows on the same images.

    D='--dataset=idx --data_dir=/usr/share/datasets/fashion-mnist --results=side.jsonl'
    python -m benchmarks.side_by_side $D --seconds=3600 --flow=tfp_glow
    python -m benchmarks.side_by_side $D --seconds=3600 --flow=tfp_glow \\
        --config=configs/tutorial_multiscale.py
    python -m benchmarks.side_by_side $D --seconds=3600 --flow=normflows
    python -m benchmarks.side_by_side $D --seconds=3600 --flow=torch_glow
    python -m benchmarks.side_by_side $D --picture=side.png

A call trains one flow: ours, of a config's `model` and `optimizer`; normflows' Glow, with K and W
of its published example; or a plain PyTorch Glow (`benchmarks/torch_glow.py`). Alike for all are
the batches, in one order; the learning rate's fall, a half cosine over the seconds; gradients of
bits/dim clipped to a norm, and the average of weights that is measured, as --config's `optimizer`
has them. At its times each flow is measured on all test images with one draw of the same noise,
which does not count as training; the first step's initialisation, tracing and compiling do. How
images are dequantised belongs to a flow: PyTorch's are uniformly. Each reading becomes a line of
the results file. `--picture` draws what it holds, the last run of each label and length, and prints
the table. PyTorch's flows need `pip install -e '.[bench]'`.
"""

import datetime
import importlib.util
import json
import math
import os
import time

from absl import app
from absl import flags
from ml_collections import config_flags
import numpy as np

from benchmarks import machine
from benchmarks import side_results

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = 'tfp_glow'
_PEERS = {  # K and W of normflows' example; a smaller Glow, as tutorials have for small images.
    'normflows': dict(depth=16, hidden_channels=256),
    'torch_glow': dict(depth=8, hidden_channels=128),
}

_RESULTS = flags.DEFINE_string('results', None, 'File of JSON lines.', required=True)
_FLOW = flags.DEFINE_enum('flow', None, [_OURS, *_PEERS], 'Which to train.')
_CONFIG = config_flags.DEFINE_config_file(
    'config', os.path.join(_ROOT, 'configs', 'fashion_mnist.py'),
    "Its model and optimizer are ours; of the latter, others have the average and clipping.")
_LABEL = flags.DEFINE_string('label', None, "Name in picture and table (default: the flow's).")
_DATASET = flags.DEFINE_string('dataset', 'fashion_mnist', 'As dataset.name of a config.')
_DATA_DIR = flags.DEFINE_string('data_dir', '', 'As dataset.data_dir of a config.')
_BATCH_SIZE = flags.DEFINE_integer('batch_size', 32, 'Of training.')
_SECONDS = flags.DEFINE_float('seconds', 600., 'Of training.')
_TEST_IMAGES = flags.DEFINE_integer('test_images', 0, 'The first, to try the program; 0: all.')
_PICTURE = flags.DEFINE_string('picture', None, 'PNG to draw of the results, instead of training.')

_LEVELS = flags.DEFINE_integer('levels', 2, 'Of a PyTorch Glow.')
_DEPTH = flags.DEFINE_integer('depth', None, 'Steps in a level of a PyTorch Glow.')
_HIDDEN_CHANNELS = flags.DEFINE_integer('hidden_channels', None, 'Of a PyTorch Glow.')
_RATE = flags.DEFINE_float('learning_rate', 1e-3, 'Of a PyTorch Glow.')
_ALPHA = flags.DEFINE_float('logit_alpha', 0., 'Of a PyTorch Glow: logit transform; 0: none.')
_CHANNELS_LAST = flags.DEFINE_bool(
    'channels_last', None, "A PyTorch Glow's order of images and kernels in memory (default: the "
    'quicker one, by a few steps before training).')

_EVAL_BATCH = 100


def reading_times(seconds):
  """Each minute up to 600 s, each five minutes after, and at the end."""
  times = [*range(60, 601, 60), *range(900, math.ceil(seconds) + 1, 300)]
  return [*(float(at) for at in times if at < seconds), seconds]


def measure(flow, source):
  """Bits/dim of the test images: their mean, its standard error and how many there are."""
  import tensorflow as tf
  from tfp_glow import data
  from tfp_glow.distributions import noise as noise_lib
  noise_of = tf.function(lambda index: noise_lib.noise_of_images(
      noise_lib.EVALUATION_SEED, index, source.image_shape), autograph=False)
  found = []
  for batch in data.eval_batches(source, batch_size=_EVAL_BATCH):
    bits = flow.bits_per_dim(batch['image'], noise_of(batch['index']))
    found.extend(bits[batch['mask'].numpy() > 0].astype(np.float64))
    if 0 < _TEST_IMAGES.value <= len(found):
      break
  return dict(bpd=float(np.mean(found)), num_images=len(found),
              standard_error=float(np.std(found, ddof=1) / math.sqrt(len(found))))


def train(flow, source, seconds, read):
  """Trains for so long and calls `read(train_s, step)` at the times.

  The clock stands still while a reading is made.
  """
  from tfp_glow import data
  batches = iter(data.train_batches(source, batch_size=_BATCH_SIZE.value, seed=0))
  step, spent, last = 0, 0., time.perf_counter()
  flow.start(next(batches))
  for at in reading_times(seconds):
    while spent < at:
      flow.train(next(batches), .5 * (1 + math.cos(math.pi * spent / seconds)))
      step += 1
      now = time.perf_counter()
      spent, last = spent + now - last, now
    read(spent, step)
    last = time.perf_counter()


def _make_flow(source):
  from benchmarks import side_flows
  from tfp_glow import data
  config = _CONFIG.value
  if _FLOW.value == _OURS:
    return side_flows.OfConfig(config, source.image_shape)
  settings = dict(_PEERS[_FLOW.value], levels=_LEVELS.value, learning_rate=_RATE.value,
                  logit_alpha=_ALPHA.value)
  given = dict(depth=_DEPTH.value, hidden_channels=_HIDDEN_CHANNELS.value)
  settings.update({name: value for name, value in given.items() if value is not None})

  def make(channels_last):
    return side_flows.OfTorch(
        _FLOW.value, source.image_shape, dict(settings, channels_last=channels_last),
        config.optimizer.clip_norm, config.optimizer.ema_decay)

  if _CHANNELS_LAST.value is not None:
    return make(_CHANNELS_LAST.value)
  batch = next(iter(data.train_batches(source, batch_size=_BATCH_SIZE.value, seed=0)))
  return make(side_flows.quicker(make, batch))


def _run():
  from tfp_glow import data
  source = data.load(_DATASET.value, data_dir=_DATA_DIR.value)
  flow = _make_flow(source)
  config_name = os.path.basename(config_flags.get_config_filename(flags.FLAGS['config']))[:-3]
  label = _LABEL.value or (
      f'{_OURS}, {config_name}' if _FLOW.value == _OURS else _FLOW.value)
  run = dict(label=label, seconds=_SECONDS.value, flow=_FLOW.value,
             started=datetime.datetime.now().isoformat(timespec='seconds'),
             dataset=_DATASET.value, batch_size=_BATCH_SIZE.value, num_weights=flow.num_weights,
             settings=flow.settings, machine=machine.machine())
  print(f'{label}: {flow.num_weights:,} weights', flush=True)

  def read(train_s, step):
    reading = dict(train_s=train_s, step=step, **measure(flow, source))
    with open(_RESULTS.value, 'a', encoding='utf-8') as file:
      file.write(json.dumps({**run, **reading}) + '\n')
    print(f'{train_s:.0f} s, step {step:,}: {reading["bpd"]:.4f} +- '
          f'{reading["standard_error"]:.4f} bits/dim on {reading["num_images"]:,} test images',
          flush=True)

  train(flow, source, _SECONDS.value, read)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'unexpected argument {argv[1]!r}')
  if _PICTURE.value:
    with open(_RESULTS.value, encoding='utf-8') as file:
      runs = side_results.last_runs(map(json.loads, file))
    print(side_results.table(runs))
    side_results.draw(runs, _PICTURE.value)
    return
  if _FLOW.value is None:
    raise app.UsageError('one of --flow and --picture is needed')
  for library in ('torch', *(['normflows'] if _FLOW.value == 'normflows' else [])):
    if _FLOW.value != _OURS and importlib.util.find_spec(library) is None:
      raise app.UsageError(f"{library} is not installed: pip install -e '.[bench]'")
  _run()


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
