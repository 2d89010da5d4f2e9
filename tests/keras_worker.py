"""One of the workers that test_keras_image_model starts: `keras_worker FILE`, with TF_CONFIG."""

import sys

import keras
import numpy as np
import tensorflow as tf


def main(path):
  # Before anything else touches TensorFlow's devices.
  strategy = tf.distribute.MultiWorkerMirroredStrategy()
  from tests import test_keras_image_model as test
  images = test.images()
  with strategy.scope():
    distribution = test.distribution()
    model = test.keras_image_model.keras_model(distribution)
    model.initialize(images)
    initial = [v.numpy() for v in distribution.variables]
    model.compile(test.optimizer())
  history = model.fit(
      images, batch_size=test.BATCH, epochs=2, shuffle=False, verbose=0,
      validation_data=(images[:test.NUM_EVALUATED],), validation_batch_size=test.BATCH,
      callbacks=[keras.callbacks.TerminateOnNaN(), keras.callbacks.BackupAndRestore(path + '.d')])
  np.savez(
      path, *[v.numpy() for v in distribution.variables],
      initial=np.concatenate([v.ravel() for v in initial]),
      loss=history.history['loss'], val_loss=history.history['val_loss'],
      evaluated=model.evaluate(images[:test.NUM_EVALUATED], batch_size=test.BATCH, verbose=0),
      predicted=model.predict(images[:test.NUM_EVALUATED], batch_size=test.BATCH, verbose=0))


if __name__ == '__main__':
  main(sys.argv[1])
