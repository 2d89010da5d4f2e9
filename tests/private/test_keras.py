"""Each private part of Keras does what we use it for."""

import keras
import numpy as np
import tensorflow as tf

from tests import conftest
from tfp_glow.private import keras as private_keras

_IMAGES = np.arange(48, dtype=np.uint8).reshape(4, 2, 2, 3)


def _fit(base):
  class Model(base):

    def __init__(self):
      super().__init__()
      self.steps = self.add_weight(shape=(), initializer='zeros', trainable=False, name='steps')
      self.built = True

    def train_step(self, data):
      self.steps.assign_add(1.)
      return {'mean': tf.reduce_mean(tf.cast(data, tf.float32))}

  with conftest.mirrored_strategy().scope():
    model = Model()
    model.compile('sgd')
  model.fit(_IMAGES, batch_size=2, verbose=0)
  return float(model.steps.numpy())


def test_built_model_takes_integers_under_a_strategy():
  assert _fit(private_keras.BuiltModel) == 2.


def test_keras_calls_the_hook(monkeypatch):
  hook, calls = '_maybe_symbolic_build', []
  assert hook in vars(private_keras.BuiltModel)
  assert hasattr(keras.Model, hook), f'Keras has no {hook} any more'
  monkeypatch.setattr(private_keras.BuiltModel, hook,
                      lambda model, *args, **kwargs: calls.append(model))
  _fit(private_keras.BuiltModel)
  assert calls, f'Keras calls {hook} no more'


def test_num_batches_counts_every_call():
  variable = tf.Variable([1.])
  optimizer = keras.optimizers.SGD(.1, gradient_accumulation_steps=3)
  optimizer.build([variable])
  for _ in range(4):
    optimizer.apply([tf.constant([1.])])
  assert int(private_keras.num_batches(optimizer)) == 4
  assert int(optimizer.iterations) == 1
