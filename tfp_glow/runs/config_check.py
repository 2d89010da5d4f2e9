"""Refuses configs whose training fields make no sense, before anything is built."""

import numbers

from tfp_glow import errors

__all__ = ['check_config']

_COUNT = (lambda v: _is_int(v) and v >= 1, 'an integer of at least 1')
_INTERVAL = (lambda v: _is_int(v) and v >= 0, 'an integer of at least 0 (0: only at the end)')
_SIZE = (lambda v: _is_int(v) and v >= 0, 'an integer of at least 0')
_LIMIT = (lambda v: _is_real(v) and v >= 0, 'a number of at least 0 (0: no limit)')
_FRACTION = (lambda v: _is_real(v) and 0 <= v < 1, 'a number in [0, 1)')
_FACTOR = (lambda v: _is_real(v) and 0 < v <= 1, 'a number in (0, 1]')
_SEED = (lambda v: _is_int(v) and 0 <= v < 2**31, 'an integer from 0 to 2147483647')

_FIELDS = {
    'batch_size': _COUNT, 'num_steps': _COUNT, 'seed': _SEED, 'log_every': _COUNT,
    'eval_every': _INTERVAL, 'checkpoint_every': _INTERVAL, 'sample_every': _INTERVAL,
    'jit_compile': (lambda v: isinstance(v, bool), 'True or False'),
    'optimizer.learning_rate': (lambda v: _is_real(v) and v > 0, 'a number greater than 0'),
    'optimizer.warmup_steps': _SIZE, 'optimizer.clip_norm': _LIMIT,
    'optimizer.ema_decay': _FRACTION,
    'evaluation.batch_size': _COUNT, 'evaluation.noise_draws': _COUNT,
    'early_stopping.patience': (
        lambda v: _is_int(v) and v >= 0, 'an integer of at least 0 (0: never)'),
    'sampling.num_samples': _COUNT,
    'sampling.temperature': (lambda v: _is_real(v) and v >= 0, 'a number of at least 0'),
    'model.num_classes': (lambda v: _is_int(v) and v >= 0, 'an integer of at least 0 (0: none)'),
    'model.condition_couplings': (lambda v: isinstance(v, bool), 'True or False'),
    'model.class_weight': (lambda v: _is_real(v) and v >= 0, 'a number of at least 0 (0: none)'),
    'recovery.max_bad_steps': _COUNT, 'recovery.max_recoveries': _SIZE,
    'recovery.learning_rate_factor': _FACTOR,
    'recovery.max_reconstruction_error': _LIMIT, 'recovery.max_log_s': _LIMIT,
    'recovery.max_level_drift': _LIMIT, 'recovery.max_condition_number': _LIMIT,
    'recovery.max_bpd_rise': _LIMIT,
}


def check_config(config):
  """Raises a `UserError` for the first field that is absent or out of range."""
  for name, (is_valid, wanted) in _FIELDS.items():
    value = config
    for part in name.split('.'):
      if part not in value:
        raise errors.UserError(f'the config has no field {name}; it must be {wanted}.')
      value = value[part]
    if not is_valid(value):
      raise errors.UserError(f'config.{name}={value!r} must be {wanted}.')


def _is_int(value):
  return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_real(value):
  return isinstance(value, numbers.Real) and not isinstance(value, bool)
