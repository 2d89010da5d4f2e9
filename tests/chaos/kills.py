"""Kills training at random moments: each run ends with the bytes of one that was left alone.

    python -m tests.chaos.kills 300

SIGKILL, SIGTERM and SIGINT reach processes of train.py at any moment from their start on, the
preparation of the data and the export included; the same command is given again until the run is
done. A fault is a stack trace; an exit code other than 0, that of the signal, 75 (everything
saved) or 130 (nothing to save yet); other final weights, bits/dim or samples than those of a run
that nobody disturbed; and any file that such a run does not leave.

TensorFlow is loaded once, and each process forked before it starts threads. Three runs of four have
the flow of tests/stub_flow.py, which is quicker to trace, in the place of the config's.
"""

import glob
import hashlib
import json
import os
import random as random_lib
import shutil
import signal
import sys
import tempfile
import time
import traceback

from tests.chaos import program
from tests.chaos import tiny_data
from tfp_glow import lean_imports

__all__ = ['run']

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_KILLS_OF_A_RUN = 5
_PATIENCE_S = 1800.  # For a process that hangs.


def run(num, seed=0):
  """Kills processes of train.py; must be called in a process without threads of TensorFlow's.

  Args:
    num: int, how often.
    seed: int.

  Returns:
    A `program.Result`: kills by signal and how the processes ended.
  """
  _load()
  random = random_lib.Random(seed)
  result = program.Result()
  with tempfile.TemporaryDirectory() as folder:
    flags = tiny_data.folder_flags(os.path.join(folder, 'pictures'))
    undisturbed = {}
    while result.counts['kills'] < num:
      is_stub = result.counts['runs'] % 4 != 3
      if is_stub not in undisturbed:
        undisturbed[is_stub] = _undisturbed(_Run(os.path.join(folder, 'whole'), flags, is_stub))
      seconds, expected = undisturbed[is_stub]
      disturbed = _Run(os.path.join(folder, 'run'), flags, is_stub)
      _disturb(disturbed, random, seconds, num, result)
      result.counts['runs'] += 1
      result.faults += [f'run {result.counts["runs"]}: {difference}'
                        for difference in _differences(expected, disturbed.contents())]
      disturbed.delete()
  return result


def _undisturbed(run_):
  """How many seconds a run takes, and its contents."""
  start = time.monotonic()
  code = run_.start().wait()
  _expect(code == 0, run_.stderr())
  seconds, contents = time.monotonic() - start, run_.contents()
  run_.delete()
  return seconds, contents


def _expect(condition, message):
  if not condition:
    raise RuntimeError(message)


def _disturb(run_, random, seconds, num, result):
  """Starts and kills a run until it is done."""
  for kill in range(10**6):
    process = run_.start()
    name = 'nothing'
    if kill < _KILLS_OF_A_RUN and result.counts['kills'] < num:
      chosen = random.choice(_SIGNALS)
      if process.is_done_within(random.uniform(0, seconds)):
        result.counts['too late'] += 1
      else:
        name = chosen.name
        result.counts['kills'] += 1
        result.counts[name] += 1
        os.kill(process.pid, chosen)
    code, error = process.wait(), run_.stderr()
    result.counts[f'ended with {code}'] += 1
    good = {'nothing': (0,), 'SIGKILL': (-9, 0), 'SIGTERM': (-15, 75, 0), 'SIGINT': (130, 75, 0)}
    if code not in good[name] or 'Traceback' in error:
      result.faults.append(f'after {name} the exit code {code}: {error[-1500:]}')
      if name == 'nothing':
        return
    if code == 0:
      return


def _differences(expected, found):
  for name in sorted(expected.keys() | found.keys()):
    if expected.get(name) != found.get(name):
      one, other = found.get(name), expected.get(name)
      if isinstance(one, list) and isinstance(other, list):
        one, other = sorted(set(one) - set(other)), sorted(set(other) - set(one))
      yield f'{name}: {one} instead of {other}'


class _Process:
  """A child of this process."""

  def __init__(self, pid):
    self.pid = pid
    self._code = None

  def is_done_within(self, seconds):
    """Whether it ends by itself so early."""
    end = time.monotonic() + seconds
    while self._code is None:
      pid, status = os.waitpid(self.pid, os.WNOHANG)
      if pid:
        self._code = os.waitstatus_to_exitcode(status)
      elif time.monotonic() > end:
        return False
      else:
        time.sleep(.002)
    return True

  def wait(self):
    """Its exit code, or minus the number of the signal that ended it."""
    if not self.is_done_within(_PATIENCE_S):
      os.kill(self.pid, signal.SIGKILL)
      raise RuntimeError(f'process {self.pid} has hung for {_PATIENCE_S:.0f} s')
    return self._code


class _Run:
  """A folder in which train.py is run, with its data sets and temporary files."""

  def __init__(self, folder, flags, is_stub):
    self._folder = folder
    self._flags = flags
    self._is_stub = is_stub
    for name in ('data', 'temporary'):
      os.makedirs(os.path.join(folder, name), exist_ok=True)

  def start(self):
    """A `_Process` of train.py."""
    return self._fork(lambda: _train(self._flags, self._is_stub))

  def delete(self):
    shutil.rmtree(self._folder)

  def stderr(self):
    with open(os.path.join(self._folder, 'stderr'), encoding='utf-8') as f:
      return f.read()

  def contents(self):
    """What the run has left: values to compare, by name."""
    code = self._fork(_describe).wait()
    _expect(code == 0, f'the run cannot be read: {self.stderr()}')
    with open(os.path.join(self._folder, 'contents'), encoding='utf-8') as f:
      found = json.load(f)
    os.remove(os.path.join(self._folder, 'contents'))
    return found

  def _fork(self, function):
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
      return _Process(pid)
    try:
      os.chdir(self._folder)
      os.environ.update(TFDS_DATA_DIR=os.path.join(self._folder, 'data'),
                        TMPDIR=os.path.join(self._folder, 'temporary'))
      tempfile.tempdir = None
      for number, name in ((1, 'stdout'), (2, 'stderr')):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
      function()
      code = 0
    except SystemExit as ended:
      code = ended.code or 0
    except BaseException:  # pylint: disable=broad-except
      traceback.print_exc()
      code = 1
    finally:
      sys.stderr.flush()
      os._exit(code)  # pylint: disable=protected-access


def _load():
  """Imports all that train.py does, so that a fork need not."""
  with lean_imports.lean_imports():
    from tests.chaos import command_line  # pylint: disable=import-outside-toplevel,unused-import
    from tfp_glow import training  # pylint: disable=import-outside-toplevel,unused-import
    from tfp_glow.commands import train  # pylint: disable=import-outside-toplevel,unused-import
    import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
  del tfds


def _train(flags, is_stub):
  import runpy  # pylint: disable=import-outside-toplevel
  from tests import stub_flow  # pylint: disable=import-outside-toplevel
  from tests.chaos import command_line  # pylint: disable=import-outside-toplevel
  from tfp_glow.runs import trained  # pylint: disable=import-outside-toplevel
  if is_stub:
    trained.make_model = stub_flow.make_model
  sys.argv = [command_line.PROGRAM, *flags]
  runpy.run_path(command_line.PROGRAM, run_name='__main__')


def _describe():
  """Writes to `contents` what the run in runs/folder is compared by."""
  from tests import tiny_run  # pylint: disable=import-outside-toplevel
  from tfp_glow import serving  # pylint: disable=import-outside-toplevel
  path = os.path.join('runs', 'folder')
  found = {f'weight {name}': hashlib.sha256(value).hexdigest()
           for name, value in tiny_run.weights(path).items()}
  last = [line for line in tiny_run.lines(path) if 'eval_bpd' in line][-1]
  found.update({name: value for name, value in last.items() if not name.endswith('_s')})
  serving.find_export(path).check_files()
  for name in glob.glob(f'{path}/samples/*') + [f'{path}/curves.png']:
    with open(name, 'rb') as f:
      found[f'bytes of {name}'] = hashlib.sha256(f.read()).hexdigest()
  found['checkpoints'] = len(tiny_run.numbers(path))
  # TensorFlow's own temporary files go when a process ends in peace.
  found['kinds of files'] = sorted({
      _kind(os.path.join(parent, name)) for parent, _, names in os.walk('.') for name in names
      if name not in ('stdout', 'stderr') and not name.startswith('__autograph_generated')})
  with open('contents', 'w', encoding='utf-8') as f:
    json.dump(found, f)


def _kind(name):
  """A file's name without what another run counts or times."""
  name = os.path.relpath(name)
  if name.startswith(os.path.join('runs', 'folder', 'tensorboard')):
    return 'events'
  folder, base = os.path.split(name)
  return os.path.join(folder, 'ckpt-N.' + base.split('.', 1)[1] if base.startswith('ckpt-') else base)


if __name__ == '__main__':
  program.main(run, __doc__, 'kills')
