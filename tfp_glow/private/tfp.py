"""What tfp_glow uses of TensorFlow Probability beyond its public API."""

import tensorflow_probability as tfp

from tensorflow_probability.python.internal import dtype_util
from tensorflow_probability.python.internal import tensor_util

__all__ = ['bijector_of_key', 'cached_results', 'common_dtype', 'convert_nonref_to_tensor',
           'drop_cached_result']

# The dtype that the arguments of a constructor agree on, as TFP's own bijectors find it;
# `tf.experimental.numpy.result_type` would do if it did not promote where they refuse.
common_dtype = dtype_util.common_dtype

# A constructor's argument as a Tensor, or as it is if it can change (a Variable, a
# DeferredTensor); a public test for what can change would replace it.
convert_nonref_to_tensor = tensor_util.convert_nonref_to_tensor


def cached_results():
  """What TFP's cache holds of all bijectors: a dict of (output, ...) by (input, bijector, ...)."""
  # `tfb.Bijector` has no public way to go without a cache, which would replace it.
  return tfp.bijectors.Bijector._cache.storage  # pylint: disable=protected-access


def drop_cached_result(key):
  """Takes an entry out of `cached_results` before its Tensors are gone."""
  key.cancel()
  cached_results().pop(key, None)


def bijector_of_key(key):
  """The bijector that an entry of `cached_results` is of."""
  return key.subkey[0]
