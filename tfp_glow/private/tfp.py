"""What tfp_glow uses of TensorFlow Probability beyond its public API."""

from tensorflow_probability.python.internal import cache_util
from tensorflow_probability.python.internal import dtype_util
from tensorflow_probability.python.internal import tensor_util

__all__ = ['BijectorCacheWithGreedyAttrs', 'common_dtype', 'convert_nonref_to_tensor']

# The type of a bijector's cache, by which one pass gives value and log-det to `log_prob`; an
# argument of `tfb.Bijector` that takes a fused method would replace it.
BijectorCacheWithGreedyAttrs = cache_util.BijectorCacheWithGreedyAttrs

# The dtype that the arguments of a constructor agree on, as TFP's own bijectors find it;
# `tf.experimental.numpy.result_type` would do if it did not promote where they refuse.
common_dtype = dtype_util.common_dtype

# A constructor's argument as a Tensor, or as it is if it can change (a Variable, a
# DeferredTensor); a public test for what can change would replace it.
convert_nonref_to_tensor = tensor_util.convert_nonref_to_tensor
