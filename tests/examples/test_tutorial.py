"""The tutorial runs from top to bottom, and opens as a notebook."""

import os

from tests.examples import cells


def test_runs(tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  cells.run('tutorial.py')
  lines = capsys.readouterr().out.splitlines()
  assert lines[-1] == 'Done.' and any('after 60 steps' in line for line in lines)
  assert not os.listdir(tmp_path)


def test_is_cells_of_code_and_text():
  cells.check_text('tutorial.py', 6, 6)
