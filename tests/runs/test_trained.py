"""What comes back of a run."""

from tests import tiny_run as tiny
from tfp_glow import runs


def test_load_trained_has_the_averaged_weights(finished_run):
  run = runs.load_trained(tiny.config(sample_every=6), finished_run)
  average = {key: value for key, value in tiny.weights(finished_run).items()
             if key.startswith('average/')}
  found = [variable.numpy().tobytes() for variable in run.model.variables]
  assert run.step == 12 and sorted(found) == sorted(average.values())


def test_load_trained_makes_variables_of_the_present_strategy(finished_run):
  strategy = tiny.two_devices().strategy
  config = tiny.config(sample_every=6)
  with strategy.scope():
    inside = runs.load_trained(config, finished_run)
  for run in (inside, runs.load_trained(config, finished_run, strategy)):
    assert all(strategy.extended.variable_created_in_scope(v) for v in run.model.variables)
