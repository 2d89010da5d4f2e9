"""The tiny export as a C client or a server loads it: a graph and a session."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving import tiny


class Served:
  """Signatures of a session, which compares nothing itself: neither the C API nor a server does."""

  def __init__(self, path):
    self._session = tf.compat.v1.Session(graph=tf.Graph())
    with self._session.graph.as_default():
      self._definitions = tf.compat.v1.saved_model.load(
          self._session, ['serve'], path).signature_def
    self.graph = self._session.graph

  def __call__(self, name, **inputs):
    """The outputs of a signature, as arrays."""
    definition = self._definitions[name]
    names = sorted(definition.outputs)
    output_of = lambda info: self.graph.get_tensor_by_name(info.name)._as_tf_output()
    outputs = self._session._call_tf_sessionrun(
        None, {output_of(definition.inputs[key]): np.asarray(value)
               for key, value in inputs.items()},
        [output_of(definition.outputs[key]) for key in names], [], None)
    return dict(zip(names, outputs))


@pytest.fixture(scope='session')
def served():
  return Served(tiny.tiny().path)


@pytest.fixture(scope='session')
def served_classes():
  return Served(tiny.classes().path)
