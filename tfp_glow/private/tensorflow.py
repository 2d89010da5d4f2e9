"""TensorFlow's private parts: tapes and what they read, AutoGraph's rules, fingerprints.

Each has a test of its own, so that an upgrade that breaks one says so by name.
"""

import sys

import tensorflow as tf

from tensorflow.python import pywrap_tfe
from tensorflow.python.autograph.core import config as autograph
from tensorflow.python.eager import record
from tensorflow.python.saved_model import fingerprinting_utils

__all__ = ['could_possibly_record', 'num_tapes', 'possible_gradient_types', 'read_element',
           'stop_recording', 'watched_variables', 'write_fingerprint']

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
  """0 if no active tape or accumulator saw the Tensors, 1 for one, 2 for more or a persistent one."""
  # A public query of what a tape watches would replace it.
  return pywrap_tfe.TFE_Py_TapeSetPossibleGradientTypes(tensors)


def num_tapes(tensors):
  """How many of the active tapes saw any of the Tensors (of a Variable: its handle)."""
  # Each of them takes a reference of the gradient of an operation that is recorded. A public query
  # of what a tape watches would replace it.
  gradient = lambda *grads: grads
  before = sys.getrefcount(gradient)
  with tf.init_scope():
    output = tf.constant(0.)
  record.record_operation_backprop_only('num_tapes', [output], tensors, gradient)
  return sys.getrefcount(gradient) - before


def read_element(array, k, shape):
  """`array.read(k)` of a `tf.TensorArray` whose elements stacked have a shape that is known."""
  if tf.executing_eagerly():
    return array.read(k)

  # TensorFlow's own asks the array for its size and its elements' shape, and a loop keeps both
  # answers of every round: a sixth of all operations of a traced training step. A `read` of arrays
  # of static shape that does not ask would replace it.
  def gradient(op, upstream):
    zeros = tf.raw_ops.TensorListReserve(
        element_shape=tf.constant(shape[1:].as_list(), tf.int32), num_elements=shape[0],
        element_dtype=upstream.dtype)
    return tf.raw_ops.TensorListSetItem(
        input_handle=zeros, index=op.inputs[1], item=upstream), None, None

  graph = tf.compat.v1.get_default_graph()
  with graph._override_gradient_function({'TensorListGetItem': gradient}):  # pylint: disable=protected-access
    return array.read(k)


class watched_variables:  # pylint: disable=invalid-name
  """A context after which `variables` has the Variables that were read in it.

  The trainable ones, and in eager mode all that a `tf.function` reads.
  """

  # `tf.GradientTape.watched_variables` would replace it if a tape cost nothing, and if it saw what
  # a `tf.function` reads without one.

  def __enter__(self):
    self._by_functions = []
    self._watcher = record.VariableWatcher()
    self._watcher.__enter__()
    self._graph = tf.compat.v1.get_default_graph() if tf.executing_eagerly() else None
    if self._graph is not None:
      # A `tf.function` tells it to the graph around it, if that wants to know.
      self._before = getattr(self._graph, 'watch_variable', None)
      self._graph.watch_variable = self._saw
    return self

  def __exit__(self, *exception):
    if self._graph is not None:
      del self._graph.watch_variable
      if self._before is not None:
        self._graph.watch_variable = self._before
    self._watcher.__exit__(*exception)
    read = [*self._watcher.watched_variables(), *self._by_functions]
    self.variables = tuple({id(variable): variable for variable in read}.values())

  def _saw(self, variable):
    self._by_functions.append(variable)
    if self._before is not None:
      self._before(variable)
