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
