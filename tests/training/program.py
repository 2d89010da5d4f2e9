"""A process that trains on blots, for tests that kill it: python -m tests.training.program JSON.

The JSON object has `path`, the workdir; `strategy`; `changes`, for `tiny.config`; `stub`, whether
the flow is that of tests/stub_flow.py; and `die_in_save`, the number of a checkpoint whose writing
kills the process, at `die_at`: "writing" (as soon as any file of it appears) or "recording" (when
its files are written and its record is not). With `dump`, the process writes the variables that it
holds at the end to that .npz.
"""

import atexit
import json
import os
import signal
import sys
import threading

import numpy as np

from tfp_glow import lean_imports

with lean_imports.lean_imports():
  import tensorflow as tf
  from tests import stub_flow
  from tests import tiny_run as tiny
  from tfp_glow import data
  from tfp_glow import errors
  from tfp_glow import training
  from tfp_glow.runs import files
  from tfp_glow.runs import trained
  from tfp_glow.training import state as state_lib


def _die():
  os.kill(os.getpid(), signal.SIGKILL)


def _die_when_a_file_appears(path, number):
  def watch():
    while True:
      if os.path.isdir(f'{path}/checkpoints') and any(
          name.startswith(f'ckpt-{number}') for name in os.listdir(f'{path}/checkpoints')):
        _die()
  threading.Thread(target=watch, daemon=True).start()


def _die_before_the_record(number):
  fingerprint = files.fingerprint

  def faulty(path):
    if os.path.basename(path).startswith(f'ckpt-{number}.'):
      _die()
    return fingerprint(path)

  files.fingerprint = faulty


def _dump_at_the_end(path):
  states, make = [], state_lib.TrainState

  def remember(*args, **kwargs):
    states.append(make(*args, **kwargs))
    return states[-1]

  state_lib.TrainState = remember
  atexit.register(lambda: np.savez(
      path, *[v.numpy() for state in states for v in state.weights()]))


def main():
  options = json.loads(sys.argv[1])
  path, number = options['path'], options.get('die_in_save')
  cluster = training.make_cluster(options.get('strategy', 'default'))
  data.load = lambda config: tiny.MemorySource()
  if options.get('stub'):
    trained.make_model = stub_flow.make_model
  if number and options['die_at'] == 'writing':
    _die_when_a_file_appears(path, number)
  elif number:
    _die_before_the_record(number)
  if 'dump' in options:
    _dump_at_the_end(options['dump'])
  try:
    training.train(tiny.config(**options.get('changes', {})), path, cluster)
  except errors.UserError as error:
    print(error, file=sys.stderr, flush=True)
    os._exit(error.exit_code)  # pylint: disable=protected-access


if __name__ == '__main__':
  # The devices of the test process, so that the same kernels run.
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2)
  main()
