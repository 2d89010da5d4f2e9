"""Each of TensorFlow's private parts still does what it is used for."""

import functools
import inspect

import numpy as np
import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow.private import tensorflow as private


def test_could_possibly_record():
  assert not private.could_possibly_record()
  with tf.GradientTape():
    assert private.could_possibly_record()
    with private.stop_recording():
      assert not private.could_possibly_record()


def test_possible_gradient_types():
  v = tf.Variable(1.)
  assert private.possible_gradient_types([tf.identity(v)]) == 0
  with tf.GradientTape():
    once = 2. * v
    with tf.GradientTape():
      assert private.possible_gradient_types([once]) == 1
      assert private.possible_gradient_types([tf.identity(v)]) == 2


def test_num_tapes():
  v, other = tf.Variable(1.), tf.Variable(1.)

  def check():
    assert private.num_tapes([v.handle]) == 0
    with tf.GradientTape(persistent=True) as outer:
      y = 2. * v
      assert private.num_tapes([y]) == private.num_tapes([v.handle, other.handle]) == 1
      with tf.GradientTape() as inner:
        z = y * v
        assert private.num_tapes([v.handle]) == private.num_tapes([z]) == 2
        assert private.num_tapes([y]) == 1
    assert inner.watched_variables() == outer.watched_variables() == (v,)
    return inner.gradient(z, v), outer.gradient(z, v)

  assert [float(g) for g in check()] == [float(g) for g in tf.function(check)()] == [2., 4.]


def test_read_element():
  stack = tf.Variable(tf.reshape(tf.range(6.), [3, 2]))

  def gradients(read):
    with tf.GradientTape() as outer:
      with tf.GradientTape() as tape:
        array = tf.TensorArray(tf.float32, 3, element_shape=[2], clear_after_read=False).unstack(
            tf.convert_to_tensor(stack))
        _, total = tf.while_loop(
            lambda k, _: k < 2, lambda k, total: (k + 1, total + read(array, k)**3),
            (tf.constant(0), tf.zeros([2])), maximum_iterations=3)
      first = tape.gradient(total, stack)
    return first, outer.gradient(first, stack)

  own = lambda array, k: private.read_element(array, k, stack.shape)
  plain = lambda array, k: array.read(k)
  expected = [3. * np.arange(6.).reshape(3, 2)**2, 6. * np.arange(6.).reshape(3, 2)]
  for part in expected:
    part[2] = 0.
  for run in (lambda f: f, tf.function, functools.partial(tf.function, jit_compile=True)):
    for found, wanted in zip(run(lambda: gradients(own))(), expected):
      np.testing.assert_allclose(found, wanted)
  once = lambda read: tf.function(lambda: gradients(read)[0]).get_concrete_function().graph
  bodies = lambda graph: [
      node.op for function in graph.as_graph_def().library.function for node in function.node_def]
  assert 'TensorListLength' in bodies(once(plain)), 'TensorFlow does better: use array.read'
  assert not {'TensorListLength', 'TensorListElementShape'} & set(bodies(once(own)))


def test_watched_variables():
  read, other = tf.Variable(1.), tf.Variable(1.)
  with private.watched_variables() as watched:
    tf.identity(read)
  tf.identity(other)
  assert watched.variables == (read,)

  @tf.function
  def traced():
    with private.watched_variables() as watched:
      value = tf.identity(read)
    assert watched.variables == (read,)
    return value

  traced()


def test_watched_variables_of_a_function():
  read, fixed = tf.Variable(1.), tf.Variable(1., trainable=False)
  function = tf.function(lambda: read + fixed, autograph=False)
  for _ in range(2):
    with private.watched_variables() as outer:
      with private.watched_variables() as inner:
        function()
    assert set(map(id, inner.variables)) == set(map(id, outer.variables)) == {id(read), id(fixed)}
  assert not hasattr(tf.compat.v1.get_default_graph(), 'watch_variable')


def test_write_fingerprint(tmp_path):
  tf.saved_model.save(tf.Module(), str(tmp_path))
  fingerprint = tf.saved_model.experimental.read_fingerprint(str(tmp_path))
  (tmp_path / 'fingerprint.pb').unlink()
  private.write_fingerprint(str(tmp_path))
  assert tf.saved_model.experimental.read_fingerprint(str(tmp_path)) == fingerprint


def test_autograph_leaves_this_package_as_it_is():
  converted = []

  def conditioner(x):
    converted.extend(frame.function for frame in inspect.stack()
                     if 'autograph_generated' in frame.filename)
    return x

  coupling = bijectors.AdditiveCoupling(conditioner)

  @tf.function
  def of_the_user(x):
    return coupling.inverse_and_log_det(x)

  of_the_user(tf.zeros([1, 2, 2, 2]))
  assert converted and set(converted) == {'tf__of_the_user'}
