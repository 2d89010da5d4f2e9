"""Fixtures for all tests."""

import functools
import gc
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
# What XLA compiles here runs once: a quarter less time for tests of it than with quick code.
os.environ.setdefault('XLA_FLAGS', '--xla_backend_optimization_level=0')

import pytest  # pylint: disable=wrong-import-position
from xdist.scheduler import loadfile  # pylint: disable=wrong-import-position

from tfp_glow import lean_imports  # pylint: disable=wrong-import-position


def pytest_configure(config):
  """Gets TensorFlow ready, where tests run: the process that deals them out does without."""
  if config.getoption('numprocesses', None) and not hasattr(config, 'workerinput'):
    return
  with lean_imports.lean_imports():
    import tensorflow as tf  # pylint: disable=import-outside-toplevel
    import tensorflow_probability as tfp  # pylint: disable=import-outside-toplevel
  del tfp
  # Before anything uses a device: TensorFlow fixes them then.
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2)
  gc.disable()  # See garbage_of_one_test.


# What is made once a process and takes longer than most of the tests that look at it: two exports,
# and the two runs of `finished_run` and `stub_run`.
_TOGETHER = {
    **dict.fromkeys(['tests/serving/', 'tests/demo/'], 'exports'),
    **dict.fromkeys(['tests/commands/', 'tests/runs/test_trained', 'tests/training/test_begin',
                     'tests/training/test_recovery', 'tests/training/test_trainer'], 'runs')}


class _LoadFiles(loadfile.LoadFileScheduling):
  """Whole files to a process, and those that look at the same things to one."""

  def _split_scope(self, nodeid):
    for beginning, group in _TOGETHER.items():
      if nodeid.startswith(beginning):
        return group
    return super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
  return _LoadFiles(config, log)


@pytest.fixture(autouse=True)
def garbage_of_one_test():
  """Looks for garbage between tests alone, and among what the last one has made.

  An iterator of tf.data that is left lying (Keras leaves some) can keep its deletion waiting for as
  long as it has lived.
  """
  yield
  gc.collect(0)


@pytest.fixture(scope='module', autouse=True)
def garbage_of_one_module():
  """Then among what a module has made, passing over what earlier ones have left.

  Traced functions stay as long as the process, millions of objects in the end, which Python would
  go through again and again.
  """
  yield
  gc.collect()
  gc.freeze()


@functools.cache
def mirrored_strategy():
  """A MirroredStrategy over two logical CPUs, the only one of this process.

  Strategies of one process number their collectives alike, and TensorFlow
  refuses a number that comes with another shape.
  """
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
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
  from tests import tiny_run  # pylint: disable=import-outside-toplevel
  monkeypatch.setattr('tfp_glow.data.load', lambda config: source if (
      not config.validation_percent) else tiny_run.MemorySource(
          validation_percent=config.validation_percent))


@pytest.fixture
def stub_flow(monkeypatch):
  """Makes every config's model one that is quick to trace."""
  from tests import stub_flow as stub  # pylint: disable=import-outside-toplevel
  monkeypatch.setattr('tfp_glow.runs.trained.make_model', stub.make_model)


def _train(path, source):
  from tests import tiny_run  # pylint: disable=import-outside-toplevel
  from tfp_glow import training  # pylint: disable=import-outside-toplevel
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr('tfp_glow.data.load', lambda config: source)
    result = training.train(tiny_run.config(sample_every=6), path, tiny_run.one_device())
  assert result['step'] == tiny_run.NUM_STEPS
  return path


@pytest.fixture(scope='session')
def finished_run(tmp_path_factory, source):
  """The workdir of a run without incidents. Tests read it and leave it as it is."""
  return _train(str(tmp_path_factory.mktemp('runs') / 'finished'), source)


@pytest.fixture(scope='session')
def stub_run(tmp_path_factory, source):
  """The same of the model of `stub_flow`."""
  # Late, as in `_train`: tests of bijectors alone do without all that training needs.
  from tests import stub_flow as stub  # pylint: disable=import-outside-toplevel
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr('tfp_glow.runs.trained.make_model', stub.make_model)
    return _train(str(tmp_path_factory.mktemp('runs') / 'stub'), source)
