"""Benchmarks that are made of another one's parts fit these."""

import os
import subprocess
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# In a process of its own, since benchmarks define flags of the same names.
_MEMORY = """
from unittest import mock
from absl import flags
from benchmarks import compare
from benchmarks import memory
flags.FLAGS(['memory', '--rounds=2'])
with mock.patch.object(compare, 'Side', autospec=True) as make:
  side = make.return_value.__enter__.return_value
  side.start = dict(peak_mb=7.)
  side.images_per_second.return_value = 3.
  assert [*memory.measure_depth(8)] == [('plain', [7., 7.], 1.), ('reversible', [7., 7.], 1.)]
  assert make.call_args == mock.call('reversible', '128x8x1')
"""


def test_memory_measures_sides_of_compare():
  done = subprocess.run([sys.executable, '-c', _MEMORY], cwd=_ROOT, capture_output=True, text=True,
                        check=False, timeout=120)
  assert done.returncode == 0, done.stderr
