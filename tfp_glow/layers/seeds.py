"""Seeds of independent random streams, one for each place in a model."""

import hashlib

__all__ = ['derived_seed']


def derived_seed(seed, *place):
  """The seed of the stream that belongs to one place under a seed.

  Counting on from a seed would give one model's second layer the weights of the first layer
  of the next seed's model, and every level other weights when one becomes deeper. A hash of
  seed and place does neither.

  Args:
    seed: int.
    *place: ints or strings without a slash, such as the numbers of level, step and layer.

  Returns:
    An int in [0, 2**31), the same on every machine.
  """
  path = '/'.join(str(part) for part in (seed, *place))
  return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], 'little') >> 1
