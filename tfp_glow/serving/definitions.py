"""What a SavedModel states about its signatures, for clients that read before they ask."""

import os

from tensorflow.core.protobuf import saved_model_pb2

from tfp_glow.private import tensorflow as private_tensorflow

__all__ = ['list_tensors', 'read', 'state_shapes']


def state_shapes(path, specs):
  """Writes the shapes that signatures want into their definitions.

  The graph itself takes any (`Signatures.all`), and TensorFlow would state those.

  Args:
    path: str, the folder of the SavedModel.
    specs: dict by signature of tuples of `tf.TensorSpec`.
  """
  saved_model = _read(path)
  signatures = saved_model.meta_graphs[0].signature_def
  for signature, inputs in specs.items():
    for spec in inputs:
      signatures[signature].inputs[spec.name].tensor_shape.CopyFrom(spec.shape.as_proto())
  with open(_file(path), 'wb') as f:
    f.write(saved_model.SerializeToString(deterministic=True))
  private_tensorflow.write_fingerprint(path)


def read(path):
  """The `SignatureDef`s of a SavedModel by name."""
  signatures = _read(path).meta_graphs[0].signature_def
  return {name: signatures[name] for name in sorted(signatures) if not name.startswith('_')}


def list_tensors(path):
  """Lines `signature inputs|outputs name tensor` of the signatures of a SavedModel."""
  signatures = read(path)
  return ''.join(
      f'{signature} {side} {name} {tensors[name].name}\n'
      for signature in signatures
      for side, tensors in (('inputs', signatures[signature].inputs),
                            ('outputs', signatures[signature].outputs))
      for name in sorted(tensors))


def _file(path):
  return os.path.join(path, 'saved_model.pb')


def _read(path):
  saved_model = saved_model_pb2.SavedModel()
  with open(_file(path), 'rb') as f:
    saved_model.ParseFromString(f.read())
  return saved_model
