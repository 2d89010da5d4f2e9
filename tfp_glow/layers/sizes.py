"""The check that networks make of the sizes they are given."""

__all__ = ['check_positive']


def check_positive(name, **sizes):
  """Raises a ValueError unless each of the sizes is at least 1."""
  for size, value in sizes.items():
    if value < 1:
      raise ValueError(f'{name}: {size} must be at least 1, got {value}.')
