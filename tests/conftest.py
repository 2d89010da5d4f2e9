"""Fixtures for all tests."""

import functools
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import pytest  # pylint: disable=wrong-import-position
import tensorflow as tf  # pylint: disable=wrong-import-position

# Before anything uses a device: TensorFlow fixes them then.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2)


@functools.cache
def mirrored_strategy():
  """A MirroredStrategy over two logical CPUs, the only one of this process.

  Strategies of one process number their collectives alike, and TensorFlow
  refuses a number that comes with another shape.
  """
  return tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1'])


@pytest.fixture(scope='session')
def mirrored():
  return mirrored_strategy()


@pytest.fixture(scope='session')
def source():
  from tests import tiny_run  # pylint: disable=import-outside-toplevel
  return tiny_run.MemorySource()


@pytest.fixture
def blots(monkeypatch, source):
  """Makes every config's data set the blots."""
  monkeypatch.setattr('tfp_glow.data.load', lambda config: source)


@pytest.fixture(scope='session')
def finished_run(tmp_path_factory, source):
  """The workdir of a run without incidents. Tests read it and leave it as it is."""
  # Late: tests of bijectors alone do without all that training needs.
  from tests import tiny_run  # pylint: disable=import-outside-toplevel
  from tfp_glow import training  # pylint: disable=import-outside-toplevel
  path = str(tmp_path_factory.mktemp('runs') / 'finished')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr('tfp_glow.data.load', lambda config: source)
    result = training.train(tiny_run.config(sample_every=6), path, tiny_run.one_device())
  assert result['step'] == tiny_run.NUM_STEPS
  return path
