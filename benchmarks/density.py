"""Bits/dim of the default run on its test split, against training time.

    python -m benchmarks.density [-- flags of train.py, such as --config=configs/photo_patches.py]

Runs `python train.py` in a new workdir and prints its evaluations. Time is that
of training alone, without the evaluations and pictures.
"""

import json
import os
import subprocess
import sys
import tempfile

from absl import app

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(argv):
  with tempfile.TemporaryDirectory() as workdir:
    subprocess.run(
        [sys.executable, os.path.join(_ROOT, 'train.py'), f'--workdir={workdir}/run', *argv[1:]],
        check=True)
    with open(f'{workdir}/run/metrics.jsonl', encoding='utf-8') as file:
      lines = [json.loads(line) for line in file]
  print('\n| step | seconds of training | train bits/dim | test bits/dim | standard error |')
  print('|---|---|---|---|---|')
  train_bpd = None
  for line in lines:
    train_bpd = line.get('train_bpd', train_bpd)
    if 'eval_bpd' in line:
      print(f'| {line["step"]} | {line["train_s"]:.0f} | {train_bpd:.3f} | '
            f'{line["eval_bpd"]:.3f} | {line["standard_error"]:.3f} |')


if __name__ == '__main__':
  app.run(main)
