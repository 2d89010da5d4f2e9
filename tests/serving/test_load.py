"""A trained model comes back to Python, from an export or a workdir."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny
import tfp_glow
from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow import runs
from tfp_glow import serving
from tfp_glow.runs import checkpoint


@pytest.fixture(name='export_copy')
def fixture_export_copy(tmp_path):
  return shutil.copytree(tiny.tiny().path, tmp_path / '7')


def assert_same_model(actual, expected):
  assert len(actual.trainable_variables) == len(expected.trainable_variables)
  for a, b in zip(actual.variables, expected.variables):
    np.testing.assert_array_equal(a, b)


def test_the_distribution_comes_back():
  model = tfp_glow.load(tiny.tiny().path)
  assert_same_model(model, tiny.tiny().model)
  np.testing.assert_array_equal(
      model.sample(3, 0.7, (1, 2)), tiny.tiny().model.sample(3, 0.7, (1, 2)))
  x = np.random.RandomState(0).uniform(size=[2, *tiny.SHAPE]).astype(np.float32)
  np.testing.assert_allclose(model.distribution.log_prob(x),
                             tiny.tiny().model.distribution.log_prob(x), rtol=1e-6)


def test_it_can_be_trained_on():
  model = tfp_glow.load(os.path.dirname(tiny.tiny().path))
  images = tiny.make_images(16)
  noise = distributions.uniform_noise(images.shape, (0, 0))
  optimizer = tf.keras.optimizers.SGD(1e-2, global_clipnorm=1.)
  losses = []
  for _ in range(4):
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean(model.bits_per_dim(images, noise))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    losses.append(float(loss))
  assert losses[-1] < losses[0] - 1e-3


def make_workdir(path):
  workdir = runs.Workdir(str(path))
  workdir.prepare()
  workdir.write_config(tiny.tiny().config)
  return workdir


def test_a_workdir_whose_export_is_the_newest_needs_no_data(tmp_path):
  workdir = make_workdir(tmp_path)
  shutil.copytree(tiny.tiny().path, tmp_path / 'export' / '7')
  assert_same_model(tfp_glow.load(str(tmp_path)), tiny.tiny().model)
  checkpoint.CheckpointStore(workdir.checkpoints, print).save(
      dict(average=tiny.tiny().model), dict(step=7))
  assert_same_model(tfp_glow.load(str(tmp_path)), tiny.tiny().model)


def test_a_later_checkpoint_is_preferred(tmp_path, monkeypatch):
  workdir = make_workdir(tmp_path)
  shutil.copytree(tiny.tiny().path, tmp_path / 'export' / '7')
  checkpoint.CheckpointStore(workdir.checkpoints, print).save(
      dict(average=tiny.tiny().model), dict(step=8))
  asked = []
  def load_trained(config, path):
    asked.append((config.dataset.image_size, path))
    return runs.TrainedModel('model', 'source', 8)
  monkeypatch.setattr('tfp_glow.runs.trained.load_trained', load_trained)
  assert tfp_glow.load(str(tmp_path)) == 'model'
  assert asked == [(8, str(tmp_path))]


def test_what_cannot_be_loaded_is_said_in_one_line(tmp_path, export_copy):
  with pytest.raises(errors.UserError, match='is no folder; give a workdir or an export'):
    tfp_glow.load(str(tmp_path / 'nothing'))
  os.makedirs(tmp_path / 'empty')
  with pytest.raises(errors.UserError, match='holds no export'):
    tfp_glow.load(str(tmp_path / 'empty'))


def test_an_export_of_another_format_is_refused(export_copy):
  file = export_copy / 'assets.extra' / 'model.json'
  (export_copy / 'assets.extra' / 'manifest.json').unlink()
  file.write_text(json.dumps({**json.loads(file.read_text()), 'format': 99}))
  with pytest.raises(errors.UserError, match='has the format 99, .*export it again'):
    tfp_glow.load(str(export_copy))
  file.unlink()
  with pytest.raises(errors.UserError, match='no complete export of tfp_glow'):
    serving.Export(str(export_copy)).read_description()
