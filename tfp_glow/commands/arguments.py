"""Flags that several modes take: their defaults, and what is wrong with a value."""

from tfp_glow import errors

__all__ = ['count_of', 'temperature_of']

_MOST = 10**6
_LARGEST = 3e38  # That float32 holds.


def count_of(flag, value, default=None):
  """The value of a flag that counts, or its default where it was left out.

  Raises:
    UserError: for one below 1 or above a million.
  """
  value = default if value is None else value
  if value < 1:
    raise errors.UserError(f'--{flag}={value} must be at least 1.')
  if value > _MOST:
    raise errors.UserError(f'--{flag}={value} must be at most {_MOST}.')
  return value


def temperature_of(config, temperature):
  """The temperature of samples, by default the config's.

  Raises:
    UserError: for one below 0, or that float32 does not hold.
  """
  temperature = config.sampling.temperature if temperature is None else temperature
  if not 0 <= temperature <= _LARGEST:
    raise errors.UserError(f'--temperature={temperature} must be a number from 0 to {_LARGEST:g}.')
  return temperature
