"""Every config loads, has all fields, and takes changes from the command line."""

import glob
import inspect
import os
import subprocess
import sys

import ml_collections
from ml_collections import config_flags  # pylint: disable=unused-import
import pytest

from configs import base
from tfp_glow import bijectors

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SHARED = ('__init__', 'base', 'published')  # Imported by configs, no configs themselves.
_NAMES = sorted(set(os.path.splitext(os.path.basename(path))[0]
                    for path in glob.glob(os.path.join(_ROOT, 'configs', '*.py'))) - set(_SHARED))

# The fields that other programs may count on.
_CONTRACT = ('batch_size', 'num_steps', 'seed', 'log_every', 'eval_every', 'checkpoint_every',
             'dataset.name', 'dataset.data_dir', 'optimizer.name', 'optimizer.learning_rate',
             'model.num_levels', 'model.depth', 'model.hidden_channels')


def _load(name, *args):
  module = __import__(f'configs.{name}', fromlist=['get_config'])
  return module, module.get_config(*args)


def _fields(config, prefix=''):
  for key, value in config.items():
    if isinstance(value, ml_collections.ConfigDict):
      yield from _fields(value, f'{prefix}{key}.')
    else:
      yield f'{prefix}{key}', value


def test_there_are_configs():
  assert {'mnist5k', 'photo_patches', 'folder', 'cifar10', 'imagenet32',
          'imagenet64', 'lsun64', 'celeb_a_hq256', 'tutorial_simple', 'tutorial_vardeq',
          'tutorial_multiscale', 'mnist5k_attention', 'fashion_mnist', 'mnist'} <= set(_NAMES)


@pytest.mark.parametrize('name', _NAMES)
def test_has_the_fields_and_types_of_the_base(name):
  _, config = _load(name)
  fields, defaults = dict(_fields(config)), dict(_fields(base.defaults()))
  assert fields.keys() == defaults.keys()
  assert {key: type(value) for key, value in fields.items()} == {
      key: type(value) for key, value in defaults.items()}
  assert set(_CONTRACT) <= fields.keys()


@pytest.mark.parametrize('name', _NAMES)
def test_values_make_sense(name):
  _, config = _load(name)
  dataset, model, optimizer = config.dataset, config.model, config.optimizer
  assert dataset.resize in ('none', 'center_crop', 'random_crop', 'pad')
  assert (dataset.resize == 'none') == (dataset.image_size == 0)
  assert model.name in ('glow', 'tutorial_simple', 'tutorial_multi_scale')
  assert model.coupling in ('affine', 'additive', 'mixture_logistics', 'spline')
  assert model.scale_map in ('sigmoid', 'tanh')
  assert model.permutation in ('lu', 'plain', 'shuffle', 'reverse')
  assert model.conv_init in ('rotation', 'permutation')
  assert model.network in ('conv', 'gated', 'attention')
  assert model.dequantization in ('uniform', 'variational', 'variational_conv', 'flow++')
  assert 1 <= model.n_bits <= 8 and 0 <= model.logit_alpha < 0.5
  assert optimizer.name in ('adam', 'adamax', 'sgd')
  assert optimizer.schedule in ('constant', 'cosine')
  assert 0 <= optimizer.ema_decay < 1 and optimizer.learning_rate > 0
  assert optimizer.warmup_steps < config.num_steps
  assert dataset.image_size % 2**model.num_levels == 0


@pytest.mark.parametrize('name', _NAMES)
def test_says_what_to_expect_and_what_it_wants(name):
  module, _ = _load(name)
  assert 'Hardware:' in module.__doc__
  assert 'bits/dim' in module.__doc__ or 'figure' in module.__doc__ or 'Source:' in module.__doc__


@pytest.mark.parametrize('name', _NAMES)
def test_names_a_real_data_set(name):
  import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
  from tfp_glow import data  # pylint: disable=import-outside-toplevel
  _, config = _load(name)
  dataset, _, version = config.dataset.name.partition('/')
  if dataset in data.EMBEDDED + ('folder',):
    return
  assert dataset in tfds.list_builders(with_community_datasets=False)
  if version:
    builder_configs = tfds.builder_cls(dataset).builder_configs
    assert version in builder_configs


@pytest.mark.parametrize('category', ['bedroom', 'tower', 'church_outdoor'])
def test_lsun_categories(category):
  for name in ('lsun64', 'lsun128_5bit'):
    assert _load(name, category)[1].dataset.name == f'lsun/{category}'


def test_each_call_makes_a_config_of_its_own():
  _, first = _load('mnist5k')
  _, second = _load('mnist5k')
  first.model.depth = 99
  assert second.model.depth != 99


_PROGRAM = '''
import sys
from absl import app
from ml_collections import config_flags
_CONFIG = config_flags.DEFINE_config_file('config')
def main(_):
  config = _CONFIG.value
  print(config.dataset.name, config.batch_size, config.optimizer.learning_rate)
  assert 'tensorflow' not in sys.modules, 'a config imports tensorflow'
app.run(main)
'''


def test_flags_from_another_folder(tmp_path):
  """As a program beside configs/ reads it, started from somewhere else."""
  program = os.path.join(tmp_path, 'program.py')
  with open(program, 'w', encoding='utf-8') as file:
    file.write(f'import sys\nsys.path[0] = {_ROOT!r}\n{_PROGRAM}')
  done = subprocess.run(
      [sys.executable, program, f'--config={_ROOT}/configs/lsun64.py:tower',
       '--config.batch_size=32', '--config.optimizer.learning_rate=0.5'],
      cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
  assert done.stdout.split() == ['lsun/tower', '32', '0.5'], done.stderr


def test_a_misspelt_field_is_refused(tmp_path):
  program = os.path.join(tmp_path, 'program.py')
  with open(program, 'w', encoding='utf-8') as file:
    file.write(f'import sys\nsys.path[0] = {_ROOT!r}\n{_PROGRAM}')
  done = subprocess.run(
      [sys.executable, program, f'--config={_ROOT}/configs/mnist5k.py', '--config.batchsize=32'],
      capture_output=True, text=True, check=False, timeout=60)
  assert done.returncode != 0 and 'batchsize' in done.stderr


def test_glow_has_the_defaults_of_the_configs():
  """One set of defaults, in the library and on the command line."""
  config = base.defaults().model
  own = inspect.signature(bijectors.Glow).parameters
  for name in ('num_levels', 'depth', 'hidden_channels', 'coupling', 'permutation', 'conv_init',
               'scale_map', 'learn_top', 'precision', 'reversible', 'input_limit', 'num_classes',
               'condition_couplings'):
    assert own[name].default == config[name], name
  assert own['network'].default is None and config.network == 'conv' and config.hidden_actnorm
  level = bijectors.Glow((4, 4, 1), num_levels=1, depth=1, hidden_channels=4).levels[0]
  assert any('log_scale_0' in w.name for w in level.coupling_weights)
