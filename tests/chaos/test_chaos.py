"""A few of the kills, damages and commands that the programs of this folder deal out by the hundred."""

import json
import subprocess
import sys

from tests.chaos import flags
from tests.chaos import tiny_data
from tests.chaos import workdirs


def test_kills():
  # A process of its own: this one's TensorFlow has threads, which a fork would not have.
  done = subprocess.run([sys.executable, '-m', 'tests.chaos.kills', '3'], cwd=tiny_data.root(),
                        capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stdout + done.stderr
  assert json.loads(done.stdout)['kills'] == 3


def test_damaged_workdirs():
  commands = [(3, ['--mode=evaluate']), (1, ['--mode=sample', '--num_samples=4'])]
  result = workdirs.run(12, seed=1, commands=commands)
  assert not result.faults
  assert {'same', 'named', 'refused'} <= result.counts.keys()


def test_flags():
  result = flags.run(40, seed=1, modes=('evaluate', 'sample', 'mix'))
  assert not result.faults
  assert {'ended with 0', 'ended with 1'} <= result.counts.keys()
