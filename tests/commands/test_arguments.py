"""Flags of several modes: what is out of range, and what a picture can hold."""

import types

import pytest

from tfp_glow import errors
from tfp_glow.commands import arguments
from tfp_glow.commands import run_pictures

_CONFIG = types.SimpleNamespace(sampling=types.SimpleNamespace(temperature=.7))


def test_counts():
  assert arguments.count_of('num_samples', None, 4) == 4
  assert arguments.count_of('num_samples', 10**6) == 10**6
  for value in (0, -1, 10**6 + 1, 10**400):
    with pytest.raises(errors.UserError, match=f'--num_samples={value} must be at (least|most) 1'):
      arguments.count_of('num_samples', value)


def test_temperatures():
  assert arguments.temperature_of(_CONFIG, None) == .7
  assert arguments.temperature_of(_CONFIG, 0.) == 0.
  for value in (-1., float('nan'), float('inf'), 1e39):
    with pytest.raises(errors.UserError, match='must be a number from 0 to 3e.38'):
      arguments.temperature_of(_CONFIG, value)


def test_pictures_have_a_largest_size():
  run_pictures.check_size(2**17, (32, 32, 3))
  with pytest.raises(errors.UserError, match='of 131073 images of 32x32 pixels .* are 131072, so'):
    run_pictures.check_size(2**17 + 1, (32, 32, 3))


def test_the_names_of_files_have_seeds_of_64_bits():
  assert run_pictures.in_name(-3) == 'seed_-3'
  assert len(run_pictures.in_name(10**400)) < 30
  assert run_pictures.in_name(10**400) != run_pictures.in_name(10**400 + 1)
