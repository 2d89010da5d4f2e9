"""Random damage to a finished workdir: what is done with it is as before, or one line names the file.

    python -m tests.chaos.workdirs 1000

One file is cut, emptied, deleted, lengthened, exchanged, overwritten in part, has a bit flipped, a
folder or a link to itself in its place or, where it is JSON, values of other types. Then train.py
evaluates the run, samples from it, shows latents, finds directions, exports it or trains it further.
A fault is a stack trace; an error whose line does not name the file; and bits/dim, pictures or
weights other than those of before without such a line.
"""

import hashlib
import json
import os
import shutil
import tempfile

import numpy as np

from benchmarks import file_damage
from tests import tiny_run
from tests.chaos import command_line
from tests.chaos import program
from tests.chaos import tiny_data
from tfp_glow import serving

__all__ = ['run']

_RUN = os.path.join('runs', 'folder')
_MORE_STEPS = 16
# How often each is done.
_COMMANDS = (
    (6, ['--mode=evaluate']),
    (4, ['--mode=sample', '--num_samples=4']),
    (2, ['--mode=mix', '--num_samples=2']),
    (1, ['--mode=directions', '--directions=1->2']),
    (1, ['--mode=export']),
    (2, ['--mode=train', f'--config.num_steps={_MORE_STEPS}']))


def run(num, seed=0, commands=_COMMANDS):
  """Damages copies of a workdir that it makes.

  Args:
    num: int, how often.
    seed: int.
    commands: pairs of an int, how often, and flags.

  Returns:
    A `program.Result`: how often all was `same`, the file `named` and the rest done, or the
    command `refused`.
  """
  random = np.random.RandomState(seed)
  result = program.Result()
  often = [flags for times, flags in commands for _ in range(times)]
  with tempfile.TemporaryDirectory() as cwd:
    workdir = _Workdir(cwd)
    expected = {}
    for _ in range(num):
      flags = often[random.randint(len(often))]
      if str(flags) not in expected:
        workdir.copy()
        expected[str(flags)] = workdir.outcome(flags)
        if expected[str(flags)][0].code:
          raise RuntimeError(f'{flags}: {expected[str(flags)][0].err}')
      workdir.copy()
      name = workdir.names[random.randint(len(workdir.names))]
      done = file_damage.damage(
          random, os.path.join(cwd, _RUN), name, workdir.names,
          is_json=lambda name: name.endswith(('.json', '.jsonl')))
      kind = _kind(workdir, flags, name, expected[str(flags)])
      result.counts[kind if kind in ('same', 'named', 'refused') else 'faults'] += 1
      if kind not in ('same', 'named', 'refused'):
        result.faults.append(f'{flags[0]}, {name} {done}: {kind}')
  return result


def _kind(workdir, flags, name, expected):
  """What damage to a file led to."""
  try:
    outcome, left = workdir.outcome(flags)
  except Exception as error:  # pylint: disable=broad-except
    return f'{type(error).__name__}: {error}'
  stem = os.path.basename(name).split('.')[0]
  # A checkpoint has one name for its three files; what is damaged may be all that lies there.
  is_named = os.path.basename(name) in outcome.err or stem.startswith('ckpt-') and stem in outcome.err
  if outcome.problem:
    return outcome.problem
  if outcome.code:
    return 'refused' if is_named else f'said {outcome.err}'
  is_same = (outcome.out, left) == (expected[0].out, expected[1])
  if is_named:
    return 'named'
  return 'same' if is_same else (
      f'other results, and nothing said: {outcome.out} {left}; expected {expected[0].out} '
      f'{expected[1]}; {outcome.err}')


class _Workdir:
  """A finished run, and copies of it."""

  def __init__(self, cwd):
    self._cwd = cwd
    self._flags = [*tiny_data.npz_flags(os.path.join(cwd, 'images.npz')),
                   '--config.optimizer.schedule=constant', '--config.optimizer.warmup_steps=0']
    done = command_line.run(self._flags, cwd)
    if done.code:
      raise RuntimeError(done.err)
    path = os.path.join(cwd, _RUN)
    # benchmarks/damaged_exports.py has those.
    shutil.rmtree(os.path.join(path, 'export'), ignore_errors=True)
    done = command_line.run(['--mode=directions', f'--workdir={_RUN}'], cwd)
    if done.code:
      raise RuntimeError(done.err)
    os.rename(path, os.path.join(cwd, 'whole'))
    self.names = sorted(
        os.path.relpath(os.path.join(parent, name), os.path.join(cwd, 'whole'))
        for parent, _, names in os.walk(os.path.join(cwd, 'whole')) for name in names)

  def copy(self):
    """Puts the run as it was in its place."""
    shutil.rmtree(os.path.join(self._cwd, _RUN), ignore_errors=True)
    shutil.copytree(os.path.join(self._cwd, 'whole'), os.path.join(self._cwd, _RUN))

  def outcome(self, flags):
    """What a command says, an `Outcome`, and digests of what it leaves behind."""
    more = self._flags if flags[0] == '--mode=train' else [f'--workdir={_RUN}']
    outcome, left = command_line.run([*more, *flags], self._cwd), {}
    path = os.path.join(self._cwd, _RUN)
    if outcome.code:
      return outcome, left
    if flags[0] == '--mode=train':
      left = {name: _digest(value) for name, value in tiny_run.weights(path).items()}
    elif flags[0] == '--mode=export':
      left = _export(path)
    else:
      printed = json.loads(outcome.out)
      for name in ('path', 'directions'):
        if name in printed:
          left[name] = _file(os.path.join(self._cwd, printed[name]))
    return outcome, left


def _export(path):
  export, model = serving.find_export(path), serving.load(path)
  examples = export.read_examples()
  arrays = [*(v.numpy() for v in model.variables), *export.read_directions().values(),
            examples.images, examples.bits_per_dim]
  return [json.dumps(export.read_description()), *(_digest(value.tobytes()) for value in arrays)]


def _file(path):
  if path.endswith('.npz'):  # Which holds the time too.
    with np.load(path) as arrays:
      return [_digest(arrays[name].tobytes()) for name in arrays.files]
  with open(path, 'rb') as f:
    return _digest(f.read())


def _digest(contents):
  return hashlib.sha256(contents).hexdigest()[:16]


if __name__ == '__main__':
  program.main(run, __doc__, 'times that the workdir is damaged')
