"""What README.md and docs/ name is there, and the README's Python runs and gives what it says."""

import os
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import base
from tfp_glow import bijectors
from tfp_glow import commands
from tfp_glow import distributions
from tfp_glow import keras_variables

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FOLDERS = ('benchmarks', 'configs', 'docs', 'examples', 'tests', 'tfp_glow')
_PAGES = ['README.md', *sorted(
    f'docs/{name}' for name in os.listdir(os.path.join(_ROOT, 'docs')) if name.endswith('.md'))]
_MAX_LINES = 220

# Their Python is run, block after block, but for what needs a trained run.
_RUNNABLE = ('README.md', 'docs/bijectors.md')
_NEEDS_A_RUN = "'runs/"


def _read(path):
  with open(os.path.join(_ROOT, path), encoding='utf-8') as f:
    return f.read()


def _exists(*parts):
  return os.path.exists(os.path.normpath(os.path.join(_ROOT, *parts)))


def _paths():
  """All files and folders of the repository that a page may name, folders with a slash."""
  found = {name for name in os.listdir(_ROOT) if os.path.isfile(os.path.join(_ROOT, name))}
  for folder in _FOLDERS:
    for directory, _, names in os.walk(os.path.join(_ROOT, folder)):
      here = os.path.relpath(directory, _ROOT)
      found.update({f'{here}/'}, {f'{here}/{name}' for name in names})
  return found


def _named_paths(text):
  """Words that can only be files or folders of the repository."""
  text = re.sub(r'https?://\S+', '', text)
  words = re.findall(r'[\w./*<>~-]*\w\.(?:py|md|c)\b', text)
  words += re.findall(rf'(?<![\w./-])(?:{"|".join(_FOLDERS)})/[\w./<>*-]*', text)
  return {re.sub(r'^(\.\./)+', '', word.rstrip('.')) for word in words}


def _is_there(word, paths):
  return word in paths or f'{word}/' in paths or any(path.endswith(f'/{word}') for path in paths)


def _headings(path):
  """The anchors that GitHub gives a page's headings."""
  lines = re.findall(r'^#+ (.*)$', _read(path), re.MULTILINE)
  return {re.sub(r'[^\w -]', '', line).lower().replace(' ', '-') for line in lines}


def _links(path):
  """Pairs of the file, from the root, and the anchor that a page's relative links lead to."""
  for link in re.findall(r'\]\(([^)\s]+)\)', _read(path)):
    if not link.startswith('http'):
      target, _, anchor = link.partition('#')
      target = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
      yield target, anchor


def _flat(config, prefix=''):
  for name, value in config.items():
    yield from _flat(value, f'{prefix}{name}.') if hasattr(value, 'items') else [prefix + name]


def _train_flags():
  return {*re.findall(r"flags\.DEFINE_\w+\(\s*'(\w+)'", _read('train.py')), 'config'}


def _commands(text):
  """Lines of a shell, with those that a backslash continues."""
  return re.sub(r'\\\n', ' ', text).splitlines()


def test_the_readme_is_short():
  assert len(_read('README.md').splitlines()) <= _MAX_LINES


def test_the_index_has_every_page():
  linked = {target for target, _ in _links('docs/README.md')}
  assert not set(_PAGES) - linked - {'docs/README.md'}


@pytest.mark.parametrize('page', _PAGES)
def test_links_lead_somewhere(page):
  for target, anchor in _links(page):
    assert _exists(target), f'{page} links {target}'
    assert not anchor or anchor in _headings(target), f'{page} links {target}#{anchor}'


@pytest.mark.parametrize('page', _PAGES)
def test_files_and_modules_are_there(page):
  paths, text = _paths(), _read(page)
  missing = sorted(word for word in _named_paths(text) if not _is_there(word, paths))
  assert not missing, f'{page} names {missing}'
  for module in re.findall(r'python -m ([\w.]+)', text):
    path = module.replace('.', '/')
    assert module == 'pytest' or {f'{path}.py', f'{path}/__main__.py'} & paths, module


@pytest.mark.parametrize('page', _PAGES)
def test_flags_and_fields_are_there(page):
  text, fields = _read(page), set(_flat(base.defaults()))
  sections = {field.partition('.')[0] for field in fields if '.' in field}
  known = fields | sections
  used = set(re.findall(r'--config\.([\w.]+)', text))
  used |= {f'{section}.{name}' for section, name in re.findall(
      rf'`({"|".join(sections)})\.(?!json)(\w+)(?:=[^`]*)?`', text)}
  assert not used - known, f'{page} names fields {sorted(used - known)}'
  assert set(re.findall(r'--mode=(\w+)', text)) <= set(commands.MODES)
  flags = {flag for line in _commands(text) if 'train.py' in line
           for flag in re.findall(r'(?<=\s)--(\w+)', line.split('train.py', 1)[1])}
  assert not flags - _train_flags(), f'{page} names flags {sorted(flags - _train_flags())}'


def test_the_layout_has_every_room():
  block = _read('README.md').split('## How the code is laid out')[1].split('```')[1]
  outer = re.findall(r'^(\S+)', block, re.MULTILINE)
  inner = re.findall(r'^  (\S+)', block, re.MULTILINE)
  assert all(map(_exists, outer)) and all(_exists('tfp_glow', name) for name in inner)
  package = os.path.join(_ROOT, 'tfp_glow')
  rooms = {f'{name}/' for name in os.listdir(package)
           if os.path.isdir(os.path.join(package, name)) and name != '__pycache__'}
  assert rooms <= set(inner)
  assert {f'{folder}/' for folder in _FOLDERS} <= set(block.split())


def _check_stated_shapes(block, names):
  """Compares the shapes that comments state, as in `x = f()  # uint8 [4, 8]`, with the values'."""
  stated = re.findall(
      r'^(\w+) = [^#\n]*(?:\n {4}[^#\n]*)*#[^\[\n]*\[(\d[\d, ]*)\]', block, re.MULTILINE)
  for name, shape in stated:
    assert list(names[name].shape) == [int(size) for size in shape.split(',')], name
  return len(stated)


@pytest.mark.parametrize('page', _RUNNABLE)
def test_python_runs(page, tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path))
  names, checked, ran = {'__name__': page}, 0, 0
  for block in re.findall(r'```python\n(.*?)```', _read(page), re.DOTALL):
    if _NEEDS_A_RUN not in block:
      exec(compile(block, page, 'exec'), names)  # pylint: disable=exec-used
      checked += _check_stated_shapes(block, names)
      ran += 1
  assert ran >= 3 and checked >= 2, (ran, checked)
  if page == 'README.md':
    assert all(gradient is not None for gradient in names['gradients'])
    assert names['images'].dtype == tf.uint8
    values = names['model'].predict(names['images'], verbose=0)
    assert np.all(np.isfinite(values)) and values.mean() < 8.


def test_a_shape_that_is_stated_wrongly_is_found():
  block = 'x = f(\n    1)    # uint8 [2, 3]\n'
  assert _check_stated_shapes(block, {'x': np.zeros([2, 3])}) == 1
  with pytest.raises(AssertionError):
    _check_stated_shapes(block, {'x': np.zeros([2, 4])})


def test_what_is_not_there_is_found():
  assert _named_paths('`docs/no.md`, `bijectors/no.py` and configs/no/') == {
      'docs/no.md', 'bijectors/no.py', 'configs/no/'}
  assert not any(_is_there(word, _paths()) for word in ('docs/no.md', 'no.py', 'configs/no/'))
  assert _is_there('bijectors/glow.py', _paths()) and _is_there('tfp_glow/bijectors/', _paths())


def test_a_keras_model_does_not_see_a_distribution():
  """What the README warns of. Where this fails, Keras or TFP has learned it, and it may go."""

  class Model(keras.Model):
    def __init__(self, distribution):
      super().__init__()
      self.distribution = distribution

  flow = bijectors.Glow((4, 4, 1), num_levels=1, depth=1, hidden_channels=2)
  model = Model(distributions.flow_distribution(flow))
  assert flow.trainable_variables and not model.trainable_variables
  model.variables_of_flow = keras_variables.FlowPart('flow', model.distribution.variables)
  assert len(model.trainable_variables) == len(flow.trainable_variables)
