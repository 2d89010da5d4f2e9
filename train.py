"""Trains a flow on images, evaluates it, and shows what it makes.

    python train.py                                        five minutes of handwritten digits
    python train.py --config=configs/cifar10.py --config.batch_size=32
    python train.py --mode=evaluate --workdir=runs/mnist5k

Exit codes: 0 done; 1 something that the message says how to put right; 3 training
gave up; 4 another worker is gone; 75 stopped by a signal with everything saved; 130
interrupted by Ctrl-C with nothing to save.
"""

import contextlib
import json
import os
import signal
import sys

from absl import app
from absl import flags
from absl import logging
from ml_collections import config_flags

from tfp_glow import commands
from tfp_glow import errors
from tfp_glow import lean_imports

_STRATEGIES = ('auto', 'default', 'mirrored', 'multi_worker')

FLAGS = flags.FLAGS


def _define_flags():
  here = os.path.dirname(os.path.abspath(__file__))
  config_flags.DEFINE_config_file(
      'config', os.path.join(here, 'configs', 'mnist5k.py'),
      'File with get_config(), of a new run; one that is there has its own. '
      '--config.FIELD=VALUE changes a field.')
  flags.DEFINE_string('workdir', None, 'Folder of the run (default: runs/<config name>).')
  flags.DEFINE_enum('mode', 'train', commands.MODES, 'What to do.')
  flags.DEFINE_string('init_from', None, 'Workdir or export whose weights a new run begins with.')
  flags.DEFINE_float('temperature', None, "Of samples (default: the config's).")
  flags.DEFINE_integer('num_samples', None, 'Images of --mode=sample, rows of the other pictures.')
  flags.DEFINE_integer('label', None, 'Class of --mode=sample (default: a column for each).')
  flags.DEFINE_integer('seed', 0, 'Of all modes that draw pictures; training: --config.seed.')
  flags.DEFINE_enum('interpolation', 'linear', ('linear', 'spherical'), 'Path of interpolate.')
  flags.DEFINE_bool('per_scale', False, 'Whether interpolate takes a path of its own per scale.')
  flags.DEFINE_list('directions', None, 'Attributes a or pairs a->b of --mode=directions '
                    '(default: all).')
  flags.DEFINE_integer('importance_samples', 1, 'Draws of noise for the tighter bound that '
                       'evaluate reports too (1: none).')
  flags.DEFINE_list('ood_dataset', None, 'Other images that evaluate tells apart: data sets, '
                    'folder:PATH, idx:PATH, npz:PATH, inverted, dim, constant, black.')
  flags.DEFINE_enum('strategy', 'auto', _STRATEGIES, 'How to use several devices or machines.')
  flags.DEFINE_integer('logical_cpus', 0, 'Split the CPU into so many devices, to try --strategy.')


def _parse_flags(argv):
  try:
    _define_flags()  # Reads the config file already, with all that can be wrong with it.
    arguments = FLAGS(argv)
    FLAGS.config.to_dict()  # An unreadable config file says so when it is used.
    return arguments
  except KeyboardInterrupt:
    _fail('interrupted.', 130)
  except Exception as error:  # pylint: disable=broad-except
    _fail(f'{type(error).__name__}: {error}', 1)


def _fail(message, code):
  with contextlib.suppress(OSError):  # Nobody may be reading it any more.
    print('train.py: ' + ' '.join(str(message).split()), file=sys.stderr, flush=True)
  try:
    sys.stdout.flush()
  except OSError:  # Python would try again at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
  if 'TF_CONFIG' in os.environ:
    # Without the usual teardown, which waits for workers that are gone.
    os._exit(code)  # pylint: disable=protected-access
  sys.exit(code)


def _workdir():
  name = os.path.splitext(os.path.basename(config_flags.get_config_filename(FLAGS['config'])))[0]
  return os.path.expanduser(FLAGS.workdir or os.path.join('runs', name))


def _config(workdir):
  """The config that --config gives, or that of the run that is there, with what flags change."""
  from tfp_glow.runs import config_versions  # pylint: disable=import-outside-toplevel
  from tfp_glow.runs import metrics  # pylint: disable=import-outside-toplevel
  trains = FLAGS.mode == 'train'
  if trains and (FLAGS['config'].present or not workdir.has_config):
    return FLAGS.config
  if FLAGS['config'].present:
    workdir.check(FLAGS.config)
    return config_versions.complete(FLAGS.config)
  config = workdir.read_config()
  for name, value in config_flags.get_override_values(FLAGS['config']).items():
    config.update_from_flattened_dict({name: value})
  config = config_versions.complete(config)
  if trains and config.to_dict() != config_versions.complete(FLAGS.config).to_dict():
    metrics.say(f'{workdir.path} goes on with its own config, {workdir.config_file}.')
  return config


@contextlib.contextmanager
def _quiet_tensorflow():
  """Keeps TensorFlow's C++ log off the progress bar, unless the user has asked for it.

  While its libraries are loaded they write to stderr whatever the level is, so
  that is turned away for this long.
  """
  if 'TF_CPP_MIN_LOG_LEVEL' in os.environ:
    yield
    return
  os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
  stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
  os.dup2(nowhere, 2)
  try:
    yield
  finally:
    os.dup2(stderr, 2)
    os.close(stderr)
    os.close(nowhere)


def main(argv):
  with _interrupts() as interrupts:
    try:
      _run(argv)
    except (Exception, KeyboardInterrupt) as error:  # pylint: disable=broad-except
      if interrupts or isinstance(error, KeyboardInterrupt):
        _fail('interrupted.', 130)
      if isinstance(error, errors.UserError):
        _fail(error, error.exit_code)
      if isinstance(error, OSError):  # Of files that nothing else names, and of stdout.
        where = '' if error.filename is None else f'{error.filename}: '
        _fail(f'{where}{error.strerror or error}', 1)
      raise


@contextlib.contextmanager
def _interrupts():
  """A list of the Ctrl-C so far: TensorFlow's C++ can lose one and raise another error for it."""
  found = []

  def interrupt(number, frame):
    found.append(number)
    signal.default_int_handler(number, frame)

  if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
    yield found  # It is ignored, as in a command in the background.
    return
  signal.signal(signal.SIGINT, interrupt)
  try:
    yield found
  finally:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _run(argv):
  if len(argv) > 1:
    raise errors.UserError(f'unexpected argument {argv[1]!r}; flags begin with --.')
  # Late, so that a mistyped flag is reported at once: TensorFlow takes seconds.
  if 'tensorflow' not in sys.modules:
    print('Loading TensorFlow.', file=sys.stderr, flush=True)
  with _quiet_tensorflow(), lean_imports.lean_imports():
    from tfp_glow import runs  # pylint: disable=import-outside-toplevel
    from tfp_glow import training  # pylint: disable=import-outside-toplevel
  if not FLAGS['verbosity'].present:
    logging.set_verbosity(logging.ERROR)
  cluster = training.make_cluster(FLAGS.strategy, FLAGS.logical_cpus)
  path = _workdir()
  config = _config(runs.Workdir(path))
  result = commands.run(
      **{**FLAGS.flag_values_dict(), 'config': config, 'path': path, 'cluster': cluster})
  if result and cluster.is_chief:
    print(json.dumps(result), flush=True)


if __name__ == '__main__':
  app.run(main, flags_parser=_parse_flags)
