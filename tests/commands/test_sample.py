"""Samples of a finished run."""

import os

import numpy as np
from PIL import Image
import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.commands import sample

pytestmark = pytest.mark.usefixtures('blots')

_CONFIG = tiny.config(sample_every=6)


def test_files_are_never_overwritten(finished_run):
  paths = [sample.run(_CONFIG, finished_run, num_samples=5, temperature=.5, seed=3)['path']
           for _ in range(2)]
  names = [os.path.basename(path) for path in paths]
  assert names == ['sample_step_12_temperature_0.5_seed_3_num_5.png',
                   'sample_step_12_temperature_0.5_seed_3_num_5_2.png']
  first, second = [np.asarray(Image.open(path)) for path in paths]
  np.testing.assert_array_equal(first, second)
  assert first.shape == (2 * 8 + 2, 3 * 8 + 4)


def test_training_pictures_are_samples_of_the_config(finished_run):
  path = sample.run(_CONFIG, finished_run, seed=_CONFIG.seed)['path']
  drawn_in_training = Image.open(f'{finished_run}/samples/step_000012.png')
  np.testing.assert_array_equal(np.asarray(Image.open(path)), np.asarray(drawn_in_training))


@pytest.mark.parametrize('flags, message', [
    (dict(num_samples=0), '--num_samples=0 must be at least 1'),
    (dict(temperature=-1.), '--temperature=-1.0 must be'),
    (dict(temperature=float('inf')), '--temperature=inf must be'),
    (dict(label=1), '--label=1 needs a run with classes')])
def test_refuses(finished_run, flags, message):
  with pytest.raises(errors.UserError, match=message):
    sample.run(_CONFIG, finished_run, **flags)
