"""Which part of the model brings how much: bits/dim after equal seconds of training.

    python -m benchmarks.parts_density --results=parts.jsonl [--data=mnist5k,photo_patches]
        [--seconds=150 --seconds=300] [--seeds=0 --seeds=1] [--parts=affine --parts=mixture]

Trains the data set's config with each combination of parts by train.py, each run with
a cosine schedule that ends when its seconds of training are over: it gets as many
steps as they hold at the rate of a short run before it. Every run becomes a line of
the results file and is not repeated, so the program can be interrupted and called
again. Prints the table of all that the file holds. The machine should have nothing
else to do.
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
    'mixture, variational': dict(coupling='mixture_logistics', dequantization='variational'),
}
_COMMON = dict(scale_map='tanh', num_components=4)

_RESULTS = flags.DEFINE_string('results', None, 'File of JSON lines.', required=True)
_DATA = flags.DEFINE_list('data', ['mnist5k', 'photo_patches'], 'Configs.')
_PARTS = flags.DEFINE_multi_enum('parts', list(PARTS), list(PARTS), 'One or more of them.')
_SECONDS = flags.DEFINE_multi_integer('seconds', [150, 300, 900], 'Of training, each.')
_SEEDS = flags.DEFINE_multi_integer('seeds', [0, 1, 2], 'Each.')

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PROBE = 30, 90  # Steps: the start of training ends, the probe ends.


def _train(data, part, seed, num_steps, log_every):
  """The lines of metrics.jsonl of a run."""
  settings = dict(seed=seed, num_steps=num_steps, log_every=log_every, eval_every=0,
                  sample_every=0, checkpoint_every=0)
  settings |= {f'model.{name}': value for name, value in (_COMMON | PARTS[part]).items()}
  with tempfile.TemporaryDirectory() as folder:
    subprocess.run(
        [sys.executable, os.path.join(_ROOT, 'train.py'), f'--workdir={folder}/run',
         f'--config={_ROOT}/configs/{data}.py',
         *(f'--config.{name}={value}' for name, value in settings.items())],
        check=True, stdout=subprocess.DEVNULL)
    with open(f'{folder}/run/metrics.jsonl', encoding='utf-8') as file:
      return [json.loads(line) for line in file]


def _probe(data, part):
  """Seconds until the first steps are done, and steps a second after them."""
  first, last = _PROBE
  times = {line['step']: line['train_s'] for line in _train(data, part, 0, last, first)
           if 'train_bpd' in line}
  return dict(first_s=times[first], rate=(last - first) / (times[last] - times[first]))


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


def _run(data, part, seconds, seed, probe):
  num_steps = _PROBE[0] + max(1, round((seconds - probe['first_s']) * probe['rate']))
  last = [line for line in _train(data, part, seed, num_steps, 50) if 'eval_bpd' in line][-1]
  return {name: last[name] for name in
          ('step', 'train_s', 'eval_bpd', 'standard_error', 'eval_train_bpd')}


def _print_table(records):
  cells = collections.defaultdict(list)
  for key, record in records.items():
    if len(key) == 4:
      cells[key[:3]].append(record)
  columns = sorted({seconds for _, _, seconds in cells})
  print('| data | parts | ' + ' | '.join(f'{s} s' for s in columns) + ' |')
  print('|---|---|' + '---|' * len(columns))
  for data, part in dict.fromkeys(key[:2] for key in cells):
    row = []
    for seconds in columns:
      runs = cells.get((data, part, seconds), [])
      bits = [run['eval_bpd'] for run in runs]
      row.append('' if not runs else f'{statistics.mean(bits):.3f}' + (
          f' ({min(bits):.3f} to {max(bits):.3f})' if len(bits) > 1 else '')
                 + f', train {statistics.mean(r["eval_train_bpd"] for r in runs):.3f}'
                 + f', {statistics.mean(r["step"] for r in runs):.0f} steps')
    print(f'| {data} | {part} | ' + ' | '.join(row) + ' |')


def main(_):
  records = _read()
  try:
    for seed in _SEEDS.value:
      for seconds in _SECONDS.value:
        for data in _DATA.value:
          for part in _PARTS.value:
            probe = _measure((data, part), records, lambda: _probe(data, part))
            _measure((data, part, seconds, seed), records,
                     lambda: _run(data, part, seconds, seed, probe))
  finally:
    _print_table(records)


if __name__ == '__main__':
  app.run(main)
