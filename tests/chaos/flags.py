"""Random flags of train.py, most of them wrong: what they ask for is done, or one line says why not.

    python -m tests.chaos.flags 3000

Every command goes through train.py's own parsing and does what it says with tiny runs, in this
process. Some get a Ctrl-C. A fault is a stack trace; an exit code that docs/runs.md does not have;
an error without its line, or with a result on stdout; a result that is no JSON; and a workdir that
a refused training leaves behind.
"""

import json
import os
import random as random_lib
import shutil
import signal
import tempfile

from tests.chaos import command_line
from tests.chaos import program
from tests.chaos import tiny_data
from tfp_glow import commands
from tfp_glow.runs import config_check

__all__ = ['run']

_COUNTS = ('1', '2', '3', '0', '-1', '300', '1000000000', '1e3', '1.5', 'x', '', '9' * 30, '0x2')
_PLAIN, _CLASSES, _NEW = 'runs/plain', 'runs/classes', 'new/run'
_VALUES = {
    'num_samples': _COUNTS,
    'importance_samples': _COUNTS,
    'label': ('0', '3', '4', '-1', 'x', '9' * 30),
    'seed': ('1', '-1', str(2**64), str(-2**63), '9' * 400, '1e3', 'x', '0x' + 'f' * 40),
    'temperature': ('0', '0.5', '1', 'nan', 'inf', '-inf', '-1', '1e39', '1e-40', '1e10', 'x', ''),
    'interpolation': ('linear', 'spherical', 'cubic', ''),
    'per_scale': ('true', 'false', 'maybe'),
    'directions': ('', '1', '1->2', '2->2', 'nose', '1->2->3', ',', '0,1->2', '->'),
    'ood_dataset': ('', 'inverted', 'black,dim', 'folder:pictures', 'folder:none', 'folder:',
                    'none', 'constant,constant', ',', '../x', 'npz'),
    'strategy': ('default', 'auto', 'mirrored', 'multi_worker', 'tpu'),
    'logical_cpus': ('0', '1', '-1', '65', '100000', 'x'),
    'init_from': (_PLAIN, _CLASSES, 'none', '', 'images.npz', '.'),
}
_WORKDIRS = ('none', '', 'images.npz', 'images.npz/run', f'{_PLAIN}/samples', '/proc/none/run',
             '~nobody/run', 'x' * 300, '.', '[a-z]*')
_CONFIGS = ('none.py', 'images.npz', f'{_PLAIN}/config.json', '', '.', 'configs/none.py')
_FIELD_VALUES = ('0', '1', '2', '-1', '0.5', '1.5', 'nan', 'inf', 'x', '', 'True', 'none', '[1]', '4',
                 '10000000000', '9' * 30)
_JUNK = ('word', '--nothing=1', '--mode', '--', '--config.model=3', '--config.model.x=1', '--config.x',
         '-x', '--mode=paint', '\udcff')
_INTERRUPTED = .03  # Share of the commands.


def run(num, seed=0, modes=commands.MODES):
  """Gives random commands.

  Args:
    num: int, how many.
    seed: int.
    modes: strs, of which one is chosen for each.

  Returns:
    A `program.Result`: how many commands ended with each exit code.
  """
  random = random_lib.Random(seed)
  result = program.Result()
  with tempfile.TemporaryDirectory() as cwd:
    base = _make_runs(cwd)
    for _ in range(num):
      mode = random.choice(modes)
      arguments = _draw(random, mode, base)
      if random.random() < _INTERRUPTED:
        result.counts['interrupted'] += 1
        signal.setitimer(signal.ITIMER_REAL, random.uniform(.001, 3.))
      try:
        outcome = command_line.run(
            arguments, cwd, {'TFDS_DATA_DIR': os.path.join(cwd, 'data')})
        signal.setitimer(signal.ITIMER_REAL, 0.)
        result.counts[f'ended with {outcome.code}'] += 1
        problem = _problem(outcome, mode, cwd)
      except (Exception, KeyboardInterrupt) as error:  # pylint: disable=broad-except
        signal.setitimer(signal.ITIMER_REAL, 0.)
        problem = f'{type(error).__name__}: {error}'
      if problem:
        shown = [argument for argument in arguments if argument not in base]
        result.faults.append(f'{" ".join(shown)!r}: {problem}')
      shutil.rmtree(os.path.join(cwd, 'new'), ignore_errors=True)
      for path in (_PLAIN, _CLASSES):
        for name in ('samples', 'export'):
          shutil.rmtree(os.path.join(cwd, path, name), ignore_errors=True)
  return result


def _make_runs(cwd):
  """A run without and a run with classes; returns the flags that they were made with."""
  # Python turns SIGINT into an exception when it can; so may this.
  signal.signal(signal.SIGALRM, lambda *unused: os.kill(os.getpid(), signal.SIGINT))
  tiny_data.folder_flags(os.path.join(cwd, 'pictures'), 20)
  flags = tiny_data.npz_flags(os.path.join(cwd, 'images.npz'))
  flags += ['--config.num_steps=2', '--config.sample_every=0']
  for path, more in ((_PLAIN, []), (_CLASSES, ['--config.model.num_classes=4'])):
    done = command_line.run([*flags, *more, f'--workdir={path}'], cwd)
    if done.code:
      raise RuntimeError(done.err)
  return flags


def _draw(random, mode, base):
  """The arguments of a random command."""
  arguments = [f'--mode={mode}']
  if mode == 'train':
    arguments += [*base, f'--workdir={_NEW}']
  else:
    arguments.append(f'--workdir={random.choice((_PLAIN, _PLAIN, _PLAIN, _CLASSES))}')
  wanted = [name for name in commands.arguments_of(mode) if name in _VALUES]
  for name in wanted + random.sample(sorted(_VALUES), 1):
    if random.random() < .5:
      arguments.append(f'--{name}={random.choice(_VALUES[name])}')
  if random.random() < (.9 if mode == 'train' else .2):
    for field in random.sample(sorted(config_check.FIELDS), random.randint(1, 2)):
      arguments.append(f'--config.{field}={random.choice(_FIELD_VALUES)}')
  if random.random() < .08:
    arguments.append(f'--workdir={random.choice(_WORKDIRS)}')
  if random.random() < .05:
    arguments.append(f'--config={random.choice(_CONFIGS)}')
  if random.random() < .05:
    arguments.append(random.choice(_JUNK))
  return arguments


def _problem(outcome, mode, cwd):
  """What is wrong with how a command ended, or None."""
  if outcome.problem:
    return f'{outcome.problem}: {outcome.err[-1500:]}'
  if outcome.code:
    if outcome.out and mode != 'train':
      return f'an error with the result {outcome.out!r}'
    if outcome.code == 1 and mode == 'train' and _is_empty(os.path.join(cwd, 'new')):
      return f'an empty workdir is left behind: {outcome.err[-500:]}'
    return None
  if mode != 'train':
    try:
      json.loads(outcome.out)
    except ValueError:
      return f'no JSON: {outcome.out!r}'
  return None


def _is_empty(folder):
  return os.path.isdir(folder) and not any(names for _, _, names in os.walk(folder))


if __name__ == '__main__':
  program.main(run, __doc__, 'commands')
