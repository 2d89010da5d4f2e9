"""Latency and memory of each signature of an export, at batch 1 and 32.

    python -m benchmarks.serving                                  a tiny model, and the default one
    python -m benchmarks.serving --export=runs/mnist5k/export/3600

Each signature is asked in a process of its own, which loads the export and asks it again and again.
Prints a row of a table for each: milliseconds of the first request (TensorFlow optimises the
graph), median milliseconds after it, and MiB that the process needs at its peak above what it holds
once the export is loaded. `interpolate` makes 8 images for each of the batch's pairs. The models
are not trained: that changes no time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

_BATCHES = (1, 32)
_SECONDS = 1.5  # Of repeated requests for each batch.
_TEMPERATURE, _STRENGTH = .7, .1


def _export(config, folder):
  """The path of an export of a config's model for images of 28x28 grey pixels."""
  import numpy as np  # pylint: disable=import-outside-toplevel
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  from tfp_glow import distributions  # pylint: disable=import-outside-toplevel
  from tfp_glow import serving  # pylint: disable=import-outside-toplevel
  random = np.random.RandomState(0)
  images = tf.constant(random.randint(0, 256, [64, 28, 28, 1], dtype=np.uint8))
  model = distributions.build_image_model(config.model, (28, 28, 1))
  labels = tf.range(64) % model.num_classes if model.num_classes else None
  model.initialize(images, distributions.uniform_noise(images.shape, (0, 0)), labels=labels)
  direction = random.normal(size=[model.event_size]).astype(np.float32)
  return serving.export_model(model, folder, 1, config, directions={'some': direction})


def _memory(field):
  """MiB of this process: VmRSS now, or VmHWM at the peak since it was reset."""
  with open('/proc/self/status', encoding='utf-8') as f:
    return next(int(line.split()[1]) for line in f if line.startswith(field)) / 1024.


def _measure(path, signature):
  """A dict of the figures of one signature, by batch."""
  import numpy as np  # pylint: disable=import-outside-toplevel
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  from benchmarks import served_inputs  # pylint: disable=import-outside-toplevel
  inputs = served_inputs.Inputs(path, np.random.RandomState(0))
  loaded = tf.saved_model.load(path)
  figures = {}
  before = _memory('VmRSS')
  for batch in _BATCHES:
    drawn = inputs.draw(
        signature, batch, temperature=np.float32(_TEMPERATURE), strength=np.float32(_STRENGTH),
        noise_draws=np.int32(1), num=np.int32(8 if signature == 'interpolate' else batch))
    feeds = {name: tf.constant(value) for name, value in drawn.items()}
    with open('/proc/self/clear_refs', 'w', encoding='utf-8') as f:
      f.write('5')  # Resets VmHWM.
    seconds = []
    while len(seconds) < 4 or sum(seconds[1:]) < _SECONDS:
      start = time.perf_counter()
      outputs = loaded.signatures[signature](**feeds)
      for value in outputs.values():
        value.numpy()
      seconds.append(time.perf_counter() - start)
    figures[batch] = dict(first_ms=1e3 * seconds[0], ms=1e3 * float(np.median(seconds[1:])),
                          mib=_memory('VmHWM') - before)
  return figures


def _print_table(name, path):
  import numpy as np  # pylint: disable=import-outside-toplevel
  from benchmarks import served_inputs  # pylint: disable=import-outside-toplevel
  print(f'\n{name}\n\n| signature | batch | first, ms | then, ms | MiB |\n|---|---|---|---|---|')
  for signature in served_inputs.Inputs(path, np.random.RandomState(0)).signatures:
    done = subprocess.run(
        [sys.executable, '-m', 'benchmarks.serving', f'--export={path}',
         f'--signature={signature}'], capture_output=True, text=True, check=False)
    if done.returncode:
      sys.exit(done.stderr)
    for batch, figures in json.loads(done.stdout.splitlines()[-1]).items():
      print(f'| `{signature}` | {batch} | {figures["first_ms"]:.0f} | {figures["ms"]:.1f} | '
            f'{figures["mib"]:.0f} |', flush=True)


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--export', help='folder with saved_model.pb')
  parser.add_argument('--signature', help='prints the JSON of this one alone')
  arguments = parser.parse_args()
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  if arguments.signature:
    print(json.dumps(_measure(arguments.export, arguments.signature)))
    return
  if arguments.export:
    _print_table(arguments.export, arguments.export)
    return
  from configs import mnist5k  # pylint: disable=import-outside-toplevel
  tiny = mnist5k.get_config()
  tiny.model.update(num_levels=1, depth=1, hidden_channels=8)
  for name, config in (('tiny', tiny), ('configs/mnist5k.py', mnist5k.get_config())):
    with tempfile.TemporaryDirectory() as folder:
      _print_table(name, _export(config, folder))


if __name__ == '__main__':
  main()
