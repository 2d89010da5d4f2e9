"""A few of the kills, damages and commands that the programs of this folder deal out by the hundred."""

import json
import subprocess
import sys

import pytest

from tests.chaos import flags
from tests.chaos import tiny_data
from tests.chaos import workdirs


@pytest.fixture(name='quick')
def fixture_quick(monkeypatch, stub_flow):
  """Leaves out most of the tracing: couplings and exports."""
  del stub_flow
  monkeypatch.setattr('tfp_glow.commands.export.export_run', lambda *args, **kwargs: None)


def test_kills():
  # A process of its own: this one's TensorFlow has threads, which a fork would not have.
  done = subprocess.run([sys.executable, '-m', 'tests.chaos.kills', '2'], cwd=tiny_data.root(),
                        capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stdout + done.stderr
  assert json.loads(done.stdout)['kills'] == 2


@pytest.mark.usefixtures('quick')
def test_damaged_workdirs():
  result = workdirs.run(20, seed=1, commands=[(1, ['--mode=evaluate'])])
  assert not result.faults
  assert {'same', 'refused'} <= result.counts.keys()


@pytest.mark.usefixtures('quick')
def test_flags():
  result = flags.run(15, seed=1, modes=('evaluate', 'sample'))
  assert not result.faults
  assert {'ended with 0', 'ended with 1'} <= result.counts.keys()
