"""The house stays in order: imports run one way, and no room grows too large."""

import ast
import importlib.util
import os
import re
import subprocess
import sys

import pytest

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# From the top down. What stands on a line may import what stands on the lines below it, and
# what stands to the right of it on its own.
_LEVELS = (
    ('train',),
    ('__init__', 'keras_image_model', 'keras_batches', 'keras_optimizer', 'keras_variables',
     'commands'),
    ('demo',),
    ('serving',),
    ('training',),
    ('evaluation',),
    ('latents',),
    ('runs',),
    ('distributions', 'data'),
    ('bijectors',),
    ('layers',),
    ('private',),
    ('errors', 'lean_imports', 'progress'),
)
_PLACES = {name: (level, column) for level, names in enumerate(_LEVELS)
           for column, name in enumerate(names)}

_MAX_LINES = 400
_MAX_TRAINING_FILES, _MAX_TRAINING_LINES = 16, 1400


def _files(folder='tfp_glow'):
  for directory, _, names in os.walk(os.path.join(_ROOT, folder)):
    for name in names:
      if name.endswith('.py'):
        yield os.path.relpath(os.path.join(directory, name), _ROOT)


def _module(path):
  """`tfp_glow.runs.files` of `tfp_glow/runs/files.py`; a package without `__init__`."""
  parts = path[:-len('.py')].split(os.sep)
  return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def _imports(source):
  """Pairs of the module that an import anywhere in a file names, and the name taken from it."""
  for node in ast.walk(ast.parse(source)):
    if isinstance(node, ast.Import):
      for alias in node.names:
        yield alias.name, None
    elif isinstance(node, ast.ImportFrom):
      assert not node.level, 'imports name the whole path'
      for alias in node.names:
        yield node.module, alias.name


def _arrows(sources):
  """The imports within the package, as pairs of modules.

  Args:
    sources: dict of the source by module.
  """
  arrows = set()
  for module, source in sources.items():
    for target, name in _imports(source):
      full = f'{target}.{name}'
      for found in (full, target):
        if found in sources:
          arrows.add((module, found))
          break
      else:
        assert not target.startswith('tfp_glow'), f'{module} imports {full}, which is not there'
  return arrows


def _room(module):
  parts = module.split('.')
  return parts[0] if parts[0] != 'tfp_glow' else '__init__' if len(parts) == 1 else parts[1]


def _runs_up(arrow):
  """Whether an import leads to a room above its own, or to the left of it."""
  here, there = (_PLACES[_room(module)] for module in arrow)
  return there < here


def _circle(arrows):
  """A list of modules each of which imports the next, the first one last again; or None."""
  following = {}
  for start, end in arrows:
    following.setdefault(start, []).append(end)
  done = set()

  def walk(module, path):
    if module in path:
      return path[path.index(module):] + [module]
    if module in done:
      return None
    done.add(module)
    for end in sorted(following.get(module, [])):
      found = walk(end, path + [module])
      if found:
        return found
    return None

  return next(filter(None, (walk(module, []) for module in sorted(following))), None)


@pytest.fixture(name='sources', scope='module')
def fixture_sources():
  result = {}
  for path in [*_files(), 'train.py']:
    with open(os.path.join(_ROOT, path), encoding='utf-8') as f:
      result[_module(path)] = f.read()
  return result


def test_every_room_has_its_place(sources):
  assert {_room(module) for module in sources} == set(_PLACES)


def test_imports_run_down(sources):
  wrong = sorted(filter(_runs_up, _arrows(sources)))
  assert not wrong, 'imports that run back up: ' + ', '.join(f'{a} -> {b}' for a, b in wrong)


def test_imports_make_no_circle(sources):
  circle = _circle(_arrows(sources))
  assert circle is None, 'a circle of imports: ' + ' -> '.join(circle)


def test_private_modules_are_imported_in_one_place():
  private = re.compile(r'tensorflow\.python|tensorflow_probability\.python|keras\.src')
  for path in _files():
    with open(os.path.join(_ROOT, path), encoding='utf-8') as f:
      found = [name for name, _ in _imports(f.read()) if private.match(name)]
    assert not found or path.startswith(os.path.join('tfp_glow', 'private')), (path, found)


@pytest.mark.parametrize('folder', ['benchmarks', 'configs', 'examples'])
def test_programs_import_what_is_there(folder):
  for path in _files(folder):
    with open(os.path.join(_ROOT, path), encoding='utf-8') as f:
      found = [(module, name) for module, name in _imports(f.read())
               if module.split('.')[0] in ('tfp_glow', 'configs', 'benchmarks', 'tests')]
    for module, name in found:
      module = importlib.import_module(module)
      assert name is None or hasattr(module, name) or importlib.util.find_spec(
          f'{module.__name__}.{name}'), f'{path}: {module.__name__} has no {name}'


def test_files_are_short():
  for path in [*_files(), 'train.py']:
    with open(os.path.join(_ROOT, path), encoding='utf-8') as f:
      lines = len(f.readlines())
    assert lines <= _MAX_LINES, f'{path} has {lines} lines'


def test_training_holds_the_loop_alone():
  paths = list(_files('tfp_glow/training'))
  lines = 0
  for path in paths:
    with open(os.path.join(_ROOT, path), encoding='utf-8') as f:
      lines += len(f.readlines())
  assert len(paths) <= _MAX_TRAINING_FILES and lines <= _MAX_TRAINING_LINES, (len(paths), lines)


def test_an_arrow_up_and_a_circle_are_found():
  sources = {
      'tfp_glow': '', 'tfp_glow.runs.a': 'def f():\n  from tfp_glow.training import b',
      'tfp_glow.training.b': 'from tfp_glow.training import c',
      'tfp_glow.training.c': 'import tfp_glow.training.b as other'}
  arrows = _arrows(sources)
  assert list(filter(_runs_up, arrows)) == [('tfp_glow.runs.a', 'tfp_glow.training.b')]
  assert _circle(arrows) == ['tfp_glow.training.b', 'tfp_glow.training.c', 'tfp_glow.training.b']
  assert _runs_up(('tfp_glow.data', 'tfp_glow.distributions'))
  assert not _runs_up(('tfp_glow.distributions', 'tfp_glow.data'))


# Windows has no fcntl. Nothing is imported before what is to be imported without the others.
_IMPORTS = """
import importlib, sys
sys.modules['fcntl'] = None
from tfp_glow import lean_imports
with lean_imports.lean_imports():
  import tfp_glow.bijectors, tfp_glow.layers, tfp_glow.distributions
loaded = [name for name in {unwanted} if name in sys.modules]
assert not loaded, loaded
for module in {modules}:
  importlib.import_module(module)
"""


def test_imports_without_fcntl_and_of_bijectors_without_what_only_training_needs():
  program = _IMPORTS.format(
      modules=sorted(_module(path) for path in _files() if '__main__' not in path),
      unwanted=['tensorflow_datasets', 'ml_collections', 'gradio', 'tqdm', 'tfp_glow.data',
                'tfp_glow.runs'])
  done = subprocess.run([sys.executable, '-c', program], cwd=_ROOT, capture_output=True,
                        text=True, check=False)
  assert done.returncode == 0, done.stderr
