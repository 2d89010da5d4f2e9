"""Each private part of TensorFlow does what we use it for."""

import tensorflow as tf

from tfp_glow.private import tensorflow as private_tensorflow


def test_could_possibly_record():
  assert not private_tensorflow.could_possibly_record()
  with tf.GradientTape():
    assert private_tensorflow.could_possibly_record()


def test_should_record_backprop():
  x, unwatched = tf.constant(1.), tf.constant(1.)
  assert not private_tensorflow.should_record_backprop([x])
  with tf.GradientTape() as tape:
    tape.watch(x)
    y = 2. * x
    assert private_tensorflow.should_record_backprop([y])
    assert not private_tensorflow.should_record_backprop([unwatched])


def test_stop_recording():
  x = tf.Variable(1.)
  with tf.GradientTape(persistent=True) as outer, tf.GradientTape() as inner:
    seen = x * x
    with private_tensorflow.stop_recording():
      hidden = x * x
  assert inner.gradient([seen, hidden], x) == 2.
  assert outer.gradient(hidden, x) is None
