"""Where memory is short: what to make smaller."""

import contextlib

import tensorflow as tf

from tfp_glow import errors
from tfp_glow.runs import files

__all__ = ['one_line_errors']

_FOR_TRAINING = (
    'the checkpoints are intact. --config.model.reversible=True keeps fewer activations, '
    '--config.evaluation.batch_size is for evaluations; a smaller --config.batch_size or model '
    'takes another --workdir')
_AFTERWARDS = 'a smaller --config.evaluation.batch_size or --num_samples needs less'


@contextlib.contextmanager
def one_line_errors(mode):
  """Turns a lack of memory into a `UserError` that says what to make smaller.

  Args:
    mode: str, what is being done.
  """
  try:
    yield
  except (MemoryError, tf.errors.ResourceExhaustedError) as error:
    hint = _FOR_TRAINING if mode == 'train' else _AFTERWARDS
    raise errors.UserError(f'memory is short ({files.reason(error)}); {hint}.') from error
