"""A flow's Variables in Keras' keeping."""

import keras
import numpy as np
import tensorflow as tf

from tests import tiny_keras
from tfp_glow import keras_variables


class _Model(keras.Model):
  """A model of a user's own, whose loss is the negative of what it returns."""

  def __init__(self, distribution):
    super().__init__()
    self.distribution = distribution
    self.variables_of_flow = keras_variables.FlowPart('flow', distribution.variables)

  def call(self, images):
    return self.distribution.log_prob(tf.cast(images, tf.float32) / 256.)


def test_a_model_of_ones_own_trains_and_saves_a_distribution(tmp_path):
  flow, images = tiny_keras.light(), tiny_keras.images()
  flow.bijector.bijectors[-1].initialize(tf.cast(images, tf.float32) / 256. - .5)
  model = _Model(flow)
  model.compile('adam', loss=lambda _, log_prob: -log_prob, run_eagerly=True)
  before = tiny_keras.values(flow)
  losses = model.fit(images, np.zeros(len(images)), epochs=2, verbose=0).history['loss']
  assert losses[1] < losses[0]
  for variable, value in zip(flow.variables, before):
    assert np.any(variable.numpy() != value) == variable.trainable, variable.name

  path = str(tmp_path / 'all.weights.h5')
  model.save_weights(path)
  other = tiny_keras.light(seed=1)
  model = _Model(other)
  model.built = True
  model.load_weights(path)
  tiny_keras.assert_equal(tiny_keras.values(other), tiny_keras.values(flow))


def test_parts_hold_every_variable_once():
  image_model = tiny_keras.keras_image_model.keras_model(
      tiny_keras.with_classes()).image_model
  names, held = zip(*keras_variables.parts(image_model))
  assert names == ('scale_0', 'top')
  ids = [id(v) for variables in held for v in variables]
  assert sorted(ids) == sorted(id(v) for v in image_model.variables)
