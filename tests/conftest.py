"""Fixtures for all tests."""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import pytest  # pylint: disable=wrong-import-position
import tensorflow as tf  # pylint: disable=wrong-import-position

# Before anything uses a device: TensorFlow fixes them then.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture(scope='session')
def two_devices():
  """The names of two logical CPU devices."""
  return [device.name for device in tf.config.list_logical_devices('CPU')]
