"""Evaluating, sampling and interpolating with a finished run."""

import os

import numpy as np
from PIL import Image
import pytest

from tests.training import tiny
from tfp_glow import errors
from tfp_glow import training
from tfp_glow.latents import modes as latent_modes

_CONFIG = tiny.config(sample_every=6)


def test_evaluate_gives_the_last_line_of_training(finished_run):
  last = tiny.lines(finished_run)[-1]
  result = training.evaluate(_CONFIG, finished_run, tiny.one_device())
  assert result.pop('split') == 'test'
  assert result == {name: last[name] for name in result} and result['num_images'] == 53


def test_evaluate_on_two_devices(finished_run):
  last = tiny.lines(finished_run)[-1]
  result = training.evaluate(_CONFIG, finished_run, tiny.two_devices())
  assert result['eval_bpd'] == pytest.approx(last['eval_bpd'], rel=1e-6)


def test_sample_files_are_never_overwritten(finished_run):
  paths = [training.sample(_CONFIG, finished_run, num_samples=5, temperature=.5, seed=3)
           for _ in range(2)]
  names = [os.path.basename(path) for path in paths]
  assert names == ['sample_step_12_temperature_0.5_seed_3_num_5.png',
                   'sample_step_12_temperature_0.5_seed_3_num_5_2.png']
  first, second = [np.asarray(Image.open(path)) for path in paths]
  np.testing.assert_array_equal(first, second)
  assert first.shape == (2 * 8 + 2, 3 * 8 + 4)


def test_training_pictures_are_samples_of_the_config(finished_run):
  path = training.sample(_CONFIG, finished_run, seed=_CONFIG.seed)
  drawn_in_training = Image.open(f'{finished_run}/samples/step_000012.png')
  np.testing.assert_array_equal(np.asarray(Image.open(path)), np.asarray(drawn_in_training))


def test_interpolation_begins_and_ends_with_test_images(finished_run, source):
  picture = np.asarray(Image.open(
      latent_modes.interpolate(_CONFIG, finished_run, num_rows=3, seed=1)))
  assert picture.shape == (3 * 8 + 4, 10 * 8 + 18)
  images = {image.tobytes() for image in source.arrays('test')[0].numpy()}
  for row in range(0, 30, 10):
    assert np.ascontiguousarray(picture[row:row + 8, :8]).tobytes() in images
    assert np.ascontiguousarray(picture[row:row + 8, -8:]).tobytes() in images
    assert np.ascontiguousarray(picture[row:row + 8, 40:48]).tobytes() not in images


@pytest.mark.parametrize('call, message', [
    (lambda path: training.sample(_CONFIG, path, num_samples=0), '--num_samples=0 must be'),
    (lambda path: training.evaluate(_CONFIG, path, tiny.one_device(), 0),
     '--importance_samples=0 must be'),
    (lambda path: training.sample(_CONFIG, path, temperature=-1.), '--temperature=-1.0 must be'),
    (lambda path: training.sample(_CONFIG, path, label=1), '--label=1 needs a run with classes'),
    (lambda path: latent_modes.interpolate(_CONFIG, path, num_rows=99),
     '198 test images are needed.* has 53')])
def test_refuses(finished_run, call, message):
  with pytest.raises(errors.UserError, match=message):
    call(finished_run)


def test_a_workdir_without_checkpoint(tmp_path):
  with pytest.raises(errors.UserError, match='holds no usable checkpoint; train first'):
    training.evaluate(_CONFIG, str(tmp_path), tiny.one_device())


def test_load_trained_has_the_averaged_weights(finished_run):
  run = training.load_trained(_CONFIG, finished_run)
  average = {key: value for key, value in tiny.weights(finished_run).items()
             if key.startswith('average/')}
  found = [variable.numpy().tobytes() for variable in run.model.variables]
  assert run.step == 12 and sorted(found) == sorted(average.values())
