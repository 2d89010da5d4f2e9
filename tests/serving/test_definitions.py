"""What a SavedModel states about its signatures is what they want."""

import tensorflow as tf

from tfp_glow.serving import definitions


class Doubler(tf.Module):

  @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, 'x')])
  def double(self, x):
    return dict(y=2. * x)


def test_shapes_are_stated_and_not_assumed(tmp_path):
  path, module = str(tmp_path), Doubler()
  tf.saved_model.save(module, path, signatures=dict(double=module.double))
  before = tf.saved_model.experimental.read_fingerprint(path)
  definitions.state_shapes(path, dict(double=(tf.TensorSpec([None, 3], tf.float32, 'x'),)))

  stated = definitions.read(path)['double']
  assert tf.TensorShape(stated.inputs['x'].tensor_shape).as_list() == [None, 3]
  double = tf.saved_model.load(path).signatures['double']
  assert double(x=tf.zeros([2, 5, 7]))['y'].shape == (2, 5, 7)
  # The file and what is said of it belong together.
  after = tf.saved_model.experimental.read_fingerprint(path)
  assert after.saved_model_checksum != before.saved_model_checksum
  assert after.signature_def_hash != before.signature_def_hash
  assert after.graph_def_program_hash == before.graph_def_program_hash

  assert definitions.list_tensors(path).splitlines() == [
      f'double inputs x {stated.inputs["x"].name}', f'double outputs y {stated.outputs["y"].name}']
