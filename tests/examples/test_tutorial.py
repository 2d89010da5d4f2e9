"""The tutorial runs from top to bottom, and opens as a notebook."""

import os
import subprocess
import sys

from tests.examples import cells

_PATH = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    'examples', 'tutorial.py')


def test_runs(tmp_path):
  environment = {**os.environ, 'PYTHONPATH': os.path.dirname(os.path.dirname(_PATH))}
  done = subprocess.run(
      [sys.executable, _PATH], cwd=tmp_path, env=environment, capture_output=True, text=True,
      check=False, timeout=300)
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  assert lines[-1] == 'Done.' and any('after 60 steps' in line for line in lines)
  assert not os.listdir(tmp_path)


def test_is_cells_of_code_and_text():
  cells.check_text('tutorial.py', 6, 6)
