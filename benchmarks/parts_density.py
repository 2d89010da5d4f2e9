"""Which part of the model brings how much: bits/dim after equal seconds of training.

    python -m benchmarks.parts_density --results=parts.jsonl [--data=photo_patches]
        [--seconds=150 --seconds=300] [--seeds=0 --seeds=1] [--parts=affine --parts=mixture]

Trains the data set's config with each combination of parts by train.py, for as many
steps as the longest of the seconds hold at the rate of a short run before it, with a
cosine schedule over them. The evaluations nearest to the steps that the other seconds
hold are read off the same run. Every run becomes a line of the results file and is not
repeated, so the program can be interrupted and called again. Prints the table of all
that the file holds for these seconds. `--probe_only` measures the rates and stops: the
machine should have nothing else to do meanwhile, and may have afterwards.
"""

import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

from absl import app
from absl import flags

PARTS = {
    'affine': dict(coupling='affine', dequantization='uniform'),
    'affine, sigmoid': dict(coupling='affine', scale_map='sigmoid', dequantization='uniform'),
    'mixture': dict(coupling='mixture_logistics', dequantization='uniform'),
    'affine, variational_conv': dict(coupling='affine', dequantization='variational_conv'),
    'mixture, variational_conv': dict(
        coupling='mixture_logistics', dequantization='variational_conv'),
    'mixture, variational_conv, classes': dict(
        coupling='mixture_logistics', dequantization='variational_conv', num_classes=10,
        condition_couplings=True),
    'mixture, variational': dict(coupling='mixture_logistics', dequantization='variational'),
}
_NO_CLASSES = dict(num_classes=0, condition_couplings=False)
_COMMON = dict(scale_map='tanh', num_components=4)

_RESULTS = flags.DEFINE_string('results', None, 'File of JSON lines.', required=True)
_DATA = flags.DEFINE_list('data', ['mnist5k'], 'Configs; the part with classes needs labels.')
_PARTS = flags.DEFINE_multi_enum('parts', list(PARTS), list(PARTS), 'One or more of them.')
_SECONDS = flags.DEFINE_multi_integer('seconds', [150, 300, 900], 'Of training, each.')
_SEEDS = flags.DEFINE_multi_integer('seeds', [0, 1, 2], 'Each.')

_PROBE_ONLY = flags.DEFINE_bool('probe_only', False, 'Whether to measure the rates alone.')

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Steps of a log line, after the second of which nothing is left to be traced, and of the probe.
_PROBE_EVERY, _PROBE_STEPS = 20, 80
_TOLERANCE = .05  # Of a reading's step.


def _train(data, part, seed, num_steps, log_every, eval_every=0):
  """The lines of metrics.jsonl of a run."""
  settings = dict(seed=seed, num_steps=num_steps, log_every=log_every, eval_every=eval_every,
                  sample_every=0, checkpoint_every=0)
  model = _COMMON | _NO_CLASSES | PARTS[part]
  settings |= {f'model.{name}': value for name, value in model.items()}
  with tempfile.TemporaryDirectory() as folder:
    subprocess.run(
        [sys.executable, os.path.join(_ROOT, 'train.py'), f'--workdir={folder}/run',
         f'--config={_ROOT}/configs/{data}.py',
         *(f'--config.{name}={value}' for name, value in settings.items())],
        check=True, stdout=subprocess.DEVNULL)
    with open(f'{folder}/run/metrics.jsonl', encoding='utf-8') as file:
      return [json.loads(line) for line in file]


def _probe(data, part):
  """Seconds that the start of training takes beside its steps, and steps a second after it."""
  times = {line['step']: line['train_s']
           for line in _train(data, part, 0, _PROBE_STEPS, _PROBE_EVERY) if 'train_bpd' in line}
  first = 2 * _PROBE_EVERY
  rate = (_PROBE_STEPS - first) / (times[_PROBE_STEPS] - times[first])
  return dict(start_s=times[first] - first / rate, rate=rate)


def _read():
  if not os.path.exists(_RESULTS.value):
    return {}
  with open(_RESULTS.value, encoding='utf-8') as file:
    return {tuple(record['key']): record for record in map(json.loads, file)}


def _measure(key, records, measure):
  """The record of a key, measured and written unless it is there."""
  if key not in records:
    print(f'measuring {key}', file=sys.stderr, flush=True)
    records[key] = dict(key=key, **measure())
    with open(_RESULTS.value, 'a', encoding='utf-8') as file:
      file.write(json.dumps(records[key]) + '\n')
  return records[key]


def _run(data, part, seed, probe):
  """One reading for each of the seconds, of a run as long as the longest."""
  seconds = _SECONDS.value
  steps = [max(1, round((s - probe['start_s']) * probe['rate'])) for s in seconds]
  lines = [line for line in _train(data, part, seed, max(steps), 50, _eval_every(steps))
           if 'eval_bpd' in line]
  readings = [min(lines, key=lambda line: abs(line['step'] - step)) for step in steps]
  # With classes, training images are measured given their label.
  train_bpd = lambda line: line.get('eval_train_bpd', line.get('eval_train_bpd_given_label'))
  return dict(readings=[
      dict(seconds=s, eval_train_bpd=train_bpd(line),
           **{name: line[name] for name in ('step', 'eval_bpd', 'standard_error')})
      for s, line in zip(seconds, readings)])


def _eval_every(steps):
  """The longest interval of evaluations that comes near enough to all `steps`."""
  num_steps = max(steps)
  for every in range(num_steps, 1, -1):
    if all(abs(round(s / every) * every - s) <= _TOLERANCE * s
           for s in steps if s < (1 - _TOLERANCE) * num_steps):
      return every
  return 1


def _print_table(records):
  cells = collections.defaultdict(list)
  for key, record in records.items():
    if key[3:] == tuple(_SECONDS.value):
      for reading in record['readings']:
        cells[(*key[:2], reading['seconds'])].append(reading)
  columns = sorted({seconds for _, _, seconds in cells})
  print('| data | parts | ' + ' | '.join(f'{s} s' for s in columns) + ' |')
  print('|---|---|' + '---|' * len(columns))
  for data, part in dict.fromkeys(key[:2] for key in cells):
    row = []
    for seconds in columns:
      readings = cells.get((data, part, seconds), [])
      mean = lambda name: statistics.mean(r[name] for r in readings)
      bits = [r['eval_bpd'] for r in readings]
      spread = f' ({min(bits):.3f} to {max(bits):.3f})' if len(bits) > 1 else ''
      row.append('' if not readings else (
          f'{mean("eval_bpd"):.3f}{spread}, train {mean("eval_train_bpd"):.3f}, '
          f'{mean("step"):,.0f} steps'))
    print(f'| {data} | {part} | ' + ' | '.join(row) + ' |')


def main(_):
  records = _read()
  try:
    for seed in _SEEDS.value:
      for data in _DATA.value:
        for part in _PARTS.value:
          probe = _measure((data, part), records, lambda: _probe(data, part))
          if not _PROBE_ONLY.value:
            _measure((data, part, seed, *_SECONDS.value), records,
                     lambda: _run(data, part, seed, probe))
  finally:
    _print_table(records)


if __name__ == '__main__':
  app.run(main)
