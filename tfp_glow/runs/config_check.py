"""Every field of a config: what it may hold, and whether a run may be continued with another."""

import numbers

from tfp_glow import errors

__all__ = ['FIELDS', 'check_config', 'fixed_fields', 'flat', 'is_adjustable']

# Fields that may differ when a run is continued: they do not change the numbers
# that training computes, or only what happens when it goes wrong.
_ADJUSTABLE = (
    'checkpoint_every', 'eval_every', 'log_every', 'sample_every', 'dataset.data_dir',
    'evaluation', 'jit_compile', 'model.reversible', 'recovery', 'sampling')


def _is_int(value):
  return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_real(value):
  return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _integer(least, most=2**31 - 1, zero=''):
  zero = zero and f' (0: {zero})'
  return lambda v: _is_int(v) and least <= v <= most, f'an integer from {least} to {most}{zero}'


_COUNT = _integer(1)
_INTERVAL = _integer(0, zero='only at the end')
_SIZE = _integer(0)
_LIMIT = (lambda v: _is_real(v) and v >= 0, 'a number of at least 0 (0: no limit)')
_WEIGHT = (lambda v: _is_real(v) and v >= 0, 'a number of at least 0 (0: none)')
_FRACTION = (lambda v: _is_real(v) and 0 <= v < 1, 'a number in [0, 1)')
_FACTOR = (lambda v: _is_real(v) and 0 < v <= 1, 'a number in (0, 1]')
_TRUTH = (lambda v: isinstance(v, bool), 'True or False')
_TEXT = (lambda v: isinstance(v, str), 'a string')

# By name; which names there are of a flow, a data set or an optimizer is known where it is made.
FIELDS = {
    'batch_size': _COUNT, 'num_steps': _COUNT, 'seed': _SIZE, 'log_every': _COUNT,
    'eval_every': _INTERVAL, 'checkpoint_every': _INTERVAL, 'sample_every': _INTERVAL,
    'jit_compile': _TRUTH,
    'dataset.name': _TEXT, 'dataset.data_dir': _TEXT, 'dataset.image_size': _SIZE,
    'dataset.resize': _TEXT, 'dataset.crop_from': _SIZE, 'dataset.shift': _SIZE,
    'dataset.flip': _TRUTH, 'dataset.shuffle_buffer': _COUNT, 'dataset.skip_broken': _TRUTH,
    'dataset.validation_percent': _SIZE,
    'model.name': _TEXT, 'model.num_levels': _integer(1, 30), 'model.depth': _integer(1, 10_000),
    'model.hidden_channels': _integer(1, 100_000), 'model.coupling': _TEXT,
    'model.num_components': _integer(1, 1_000), 'model.num_bins': _integer(1, 1_000),
    'model.input_limit': _LIMIT, 'model.scale_map': _TEXT, 'model.permutation': _TEXT,
    'model.conv_init': _TEXT, 'model.learn_top': _TRUTH, 'model.network': _TEXT,
    'model.hidden_actnorm': _TRUTH, 'model.n_bits': _integer(1, 8), 'model.dequantization': _TEXT,
    'model.logit_alpha': (lambda v: _is_real(v) and 0 <= v < .5, 'a number in [0, 0.5)'),
    'model.precision': _TEXT,
    'model.num_classes': _integer(0, 100_000, zero='none'),
    'model.condition_couplings': _TRUTH, 'model.class_weight': _WEIGHT, 'model.reversible': _TRUTH,
    'optimizer.name': _TEXT,
    'optimizer.learning_rate': (lambda v: _is_real(v) and 0 < v < float('inf'),
                                'a number greater than 0'),
    'optimizer.warmup_steps': _SIZE, 'optimizer.schedule': _TEXT, 'optimizer.clip_norm': _LIMIT,
    'optimizer.ema_decay': _FRACTION,
    'evaluation.batch_size': _COUNT, 'evaluation.noise_draws': _COUNT,
    'evaluation.max_images': _integer(0, zero='all'),
    'early_stopping.patience': _integer(0, zero='never'),
    'sampling.num_samples': _COUNT,
    'sampling.temperature': (lambda v: _is_real(v) and 0 <= v < float('inf'),
                             'a number of at least 0'),
    'recovery.max_bad_steps': _COUNT, 'recovery.max_recoveries': _SIZE,
    'recovery.learning_rate_factor': _FACTOR,
    'recovery.max_reconstruction_error': _LIMIT, 'recovery.max_log_s': _LIMIT,
    'recovery.max_level_drift': _LIMIT, 'recovery.max_condition_number': _LIMIT,
    'recovery.max_bpd_rise': _LIMIT,
}


def check_config(config, where='the config', parts=None):
  """Raises a `UserError` for the first field that is absent or out of range.

  Args:
    config: a `ConfigDict`.
    where: str, what holds it, for the message.
    parts: collection of str, the parts to check, such as "model"; None: all.
  """
  values = flat(config.to_dict())
  for name, (is_valid, wanted) in FIELDS.items():
    if parts is not None and name.split('.')[0] not in parts:
      continue
    if name not in values:
      raise errors.UserError(f'{where} has no field {name}; it must be {wanted}.')
    if not is_valid(values[name]):
      raise errors.UserError(f'{where} has {name}={values[name]!r}; it must be {wanted}.')


def flat(fields, prefix=''):
  """Nested dicts as one, whose keys are such as `model.depth`."""
  result = {}
  for name, value in fields.items():
    if isinstance(value, dict):
      result.update(flat(value, f'{prefix}{name}.'))
    else:
      result[prefix + name] = value
  return result


def is_adjustable(name):
  """Whether a run may be continued with another value of a field."""
  return any(name == field or name.startswith(field + '.') for field in _ADJUSTABLE)


def fixed_fields(config):
  """The fields that stay the same as long as a run lasts, a dict such as `{'model.depth': 8}`.

  Args:
    config: a `ConfigDict`.
  """
  return {name: value for name, value in flat(config.to_dict()).items()
          if name != 'num_steps' and not is_adjustable(name)}
