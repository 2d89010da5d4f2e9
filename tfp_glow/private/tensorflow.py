"""TensorFlow's private parts: tapes and what they read, AutoGraph's rules, fingerprints.

Each has a test of its own, so that an upgrade that breaks one says so by name.
"""

from tensorflow.python import pywrap_tfe
from tensorflow.python.autograph.core import config as autograph
from tensorflow.python.eager import record
from tensorflow.python.saved_model import fingerprinting_utils

__all__ = ['could_possibly_record', 'possible_gradient_types', 'stop_recording',
           'watched_variables', 'write_fingerprint']

# Whether any tape or accumulator is active here. A public query of tapes would replace it.
could_possibly_record = record.could_possibly_record

# A context without tapes. `tf.GradientTape.stop_recording` stops one tape that one has in hand.
stop_recording = record.stop_recording

# Writes fingerprint.pb beside a saved_model.pb. `tf.saved_model.save` does it once, for good.
write_fingerprint = fingerprinting_utils.write_fingerprint

# Where a user's `tf.function` calls it, AutoGraph would rewrite this package, function by function,
# for seconds; it needs that as little as TFP, which AutoGraph passes over too.
# `tf.autograph.experimental.do_not_convert` around each public function would replace it.
autograph.CONVERSION_RULES = (
    autograph.DoNotConvert('tfp_glow'), *autograph.CONVERSION_RULES)


def possible_gradient_types(tensors):
  """0 if no active tape recorded the Tensors, 1 for one tape, 2 for more."""
  # A public query of what a tape watches would replace it.
  return pywrap_tfe.TFE_Py_TapeSetPossibleGradientTypes(tensors)


class watched_variables:  # pylint: disable=invalid-name
  """A context after which `variables` has the trainable Variables that were read in it."""

  def __enter__(self):
    # `tf.GradientTape.watched_variables` would replace it if a tape cost nothing.
    self._watcher = record.VariableWatcher()
    self._watcher.__enter__()
    return self

  def __exit__(self, *exception):
    self._watcher.__exit__(*exception)
    self.variables = self._watcher.watched_variables()
