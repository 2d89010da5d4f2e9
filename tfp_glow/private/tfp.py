"""What tfp_glow uses of TensorFlow Probability beyond its public API."""

import tensorflow_probability as tfp

from tensorflow_probability.python.internal import dtype_util
from tensorflow_probability.python.internal import tensor_util

__all__ = ['CachedResult', 'cached_results', 'common_dtype', 'convert_nonref_to_tensor']

# The dtype that the arguments of a constructor agree on, as TFP's own bijectors find it;
# `tf.experimental.numpy.result_type` would do if it did not promote where they refuse.
common_dtype = dtype_util.common_dtype

# A constructor's argument as a Tensor, or as it is if it can change (a Variable, a
# DeferredTensor); a public test for what can change would replace it.
convert_nonref_to_tensor = tensor_util.convert_nonref_to_tensor


class CachedResult:
  """An entry of the cache that TFP keeps for all bijectors, of one end of one call."""

  # `tfb.Bijector` has no public way to go without its cache, which would replace it.

  def __init__(self, key, entry):
    self._key, self._entry = key, entry

  @property
  def bijector(self):
    return self._key.subkey[0]

  @property
  def is_finished(self):
    """Whether the call has returned."""
    return self._entry.output_ref is not None

  @property
  def is_of_its_direction(self):
    """Whether it answers the call that made it; else the call of the opposite direction."""
    return self._entry.dependencies is None

  def drop(self):
    """Takes it out of the cache before its Tensors are gone."""
    self._key.cancel()
    _storage().pop(self._key, None)


def cached_results():
  """What TFP's cache holds, a list of `CachedResult`s."""
  return [CachedResult(key, entry) for key, entry in list(_storage().items())]


def _storage():
  return tfp.bijectors.Bijector._cache.storage  # pylint: disable=protected-access
