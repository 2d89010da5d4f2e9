"""Flags that several modes take: their defaults, and what is wrong with a value."""

from tfp_glow import errors

__all__ = ['at_least_one', 'temperature_of']


def at_least_one(flag, value, default=None):
  """The value of a flag that counts, or its default where it was left out.

  Raises:
    UserError: for one below 1.
  """
  value = default if value is None else value
  if value < 1:
    raise errors.UserError(f'--{flag}={value} must be at least 1.')
  return value


def temperature_of(config, temperature):
  """The temperature of samples, by default the config's.

  Raises:
    UserError: for one below 0, or infinite.
  """
  temperature = config.sampling.temperature if temperature is None else temperature
  if not 0 <= temperature < float('inf'):
    raise errors.UserError(f'--temperature={temperature} must be a number of at least 0.')
  return temperature
