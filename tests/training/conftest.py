"""Every test of this folder trains on blots."""

import pytest

from tests.training import tiny
from tfp_glow import data
from tfp_glow import training


@pytest.fixture(scope='session')
def source():
  return tiny.MemorySource()


@pytest.fixture(autouse=True)
def blots(monkeypatch, source):
  """Makes every config's data set the blots."""
  monkeypatch.setattr(data, 'load', lambda config: source)


@pytest.fixture(scope='session')
def finished_run(tmp_path_factory, source):
  """The workdir of a run without incidents. Tests read it and leave it as it is."""
  path = str(tmp_path_factory.mktemp('runs') / 'finished')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(data, 'load', lambda config: source)
    result = training.train(tiny.config(sample_every=6), path, tiny.one_device())
  assert result['step'] == tiny.NUM_STEPS
  return path
