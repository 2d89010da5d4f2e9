"""Runs an example cell by cell, as a notebook does, with other constants than its own."""

import os

_FOLDER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'examples')


def cells(name):
  """The cells of an example, each with the line that it starts at."""
  with open(os.path.join(_FOLDER, name), encoding='utf-8') as f:
    lines = f.read().splitlines(keepends=True)
  starts = [i for i, line in enumerate(lines) if line.startswith('# %%')]
  assert starts[0] == 0
  return [(start, ''.join(lines[start:end]))
          for start, end in zip(starts, [*starts[1:], len(lines)])]


def run(name, **constants):
  """Runs all cells of an example.

  Args:
    name: str, its file.
    **constants: what stands for values that a cell sets, from the end of that cell on.

  Returns:
    A dict of all names that the cells have set.
  """
  names = {'__name__': name}
  for start, cell in cells(name):
    exec(compile('\n' * start + cell, name, 'exec'), names)  # pylint: disable=exec-used
    names.update({constant: constants[constant] for constant in constants if constant in names})
  assert not set(constants) - set(names), f'{name} has no {sorted(set(constants) - set(names))}'
  return names


def check_text(name, num_text, num_code):
  """Checks that an example has cells of both kinds, all text but the first in comments."""
  text = [cell for _, cell in cells(name) if cell.startswith('# %% [markdown]\n')]
  assert len(text) >= num_text and len(cells(name)) - len(text) >= num_code
  for cell in text[1:]:
    assert all(line.startswith('#') for line in cell.splitlines() if line), cell
