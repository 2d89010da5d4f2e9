"""Optimizers: Keras' own numbers, clipping by the global norm, clear refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.training import optimizer as optimizer_lib


@pytest.mark.parametrize('name, keras_class', [
    ('adam', keras.optimizers.Adam), ('adamax', keras.optimizers.Adamax),
    ('sgd', keras.optimizers.SGD)])
def test_equals_keras_apply(name, keras_class):
  ours, theirs = tf.Variable([1., 2., 3.]), tf.Variable([1., 2., 3.])
  optimizer = optimizer_lib.make_optimizer(tiny.config(optimizer__name=name).optimizer, [ours])
  reference = keras_class(learning_rate=.1)
  reference.build([theirs])
  for gradient in ([1., -2., .5], [.1, .1, .1], [0., 3., -1.]):
    gradient = tf.constant(gradient)
    optimizer_lib.apply_gradients(
        tf.distribute.get_strategy(), optimizer, [gradient], [ours], tf.constant(.1))
    reference.apply([gradient], [theirs])
  np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
  assert int(optimizer.iterations) == 3
  for mine, other in zip(optimizer_lib.slots(optimizer)[2:], optimizer_lib.slots(reference)[2:]):
    np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-6)


def test_clip():
  gradients = [tf.constant([3., 0.]), tf.constant([[4.]])]
  clipped, norm = optimizer_lib.clip(gradients, 1.)
  assert float(norm) == pytest.approx(5.)
  np.testing.assert_allclose(clipped[0], [.6, 0.], rtol=1e-6)
  np.testing.assert_allclose(clipped[1], [[.8]], rtol=1e-6)
  for limit in (0., 6.):
    kept, norm = optimizer_lib.clip(gradients, limit)
    assert float(norm) == pytest.approx(5.)
    np.testing.assert_array_equal(kept[0], gradients[0])


def test_refuses_an_unknown_name():
  with pytest.raises(errors.UserError, match="optimizer.name='lion' is unknown; .*adamax"):
    optimizer_lib.make_optimizer(tiny.config(optimizer__name='lion').optimizer, [])
