"""A mode is a file with `run`, which gets the flags that it names."""

import os

import pytest

from tfp_glow import commands


def test_every_mode_has_a_file_with_run_and_takes_flags_of_train_py():
  folder = os.path.dirname(commands.__file__)
  with open(os.path.join(os.path.dirname(os.path.dirname(folder)), 'train.py'),
            encoding='utf-8') as f:
    program = f.read()
  found = []
  for name in sorted(file[:-3] for file in os.listdir(folder) if file.endswith('.py')):
    with open(os.path.join(folder, f'{name}.py'), encoding='utf-8') as f:
      if name != '__init__' and '\ndef run(' in f.read():
        found.append(name)
  assert found == sorted(commands.MODES)
  for mode in commands.MODES:
    for name in commands.arguments_of(mode):
      assert name in ('config', 'path', 'cluster') or f"'{name}'," in program, (mode, name)


def test_run_hands_on_what_the_mode_names(monkeypatch):
  def run(config, num_samples=None):
    return config, num_samples
  monkeypatch.setattr('tfp_glow.commands.mix.run', run)
  given = dict(config='c', path='p', cluster=None, num_samples=3, seed=1)
  assert commands.run('mix', **given) == ('c', 3)
  with pytest.raises(KeyError):
    commands.run('mix', path='p')
