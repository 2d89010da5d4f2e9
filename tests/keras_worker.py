"""One of the workers that test_keras_image_model starts: `keras_worker FILE`, with TF_CONFIG."""

import sys

import numpy as np

from tfp_glow import lean_imports

with lean_imports.lean_imports():
  import keras
  import tensorflow as tf


def main(path):
  # Before anything else touches TensorFlow's devices.
  strategy = tf.distribute.MultiWorkerMirroredStrategy()
  from tests import tiny_keras as tiny
  few = tiny.everything(tiny.NUM_EVALUATED)
  distribution, model = tiny.make(tiny.with_context, strategy, tiny.everything())
  initial = tiny.values(distribution)
  history = tiny.fit(
      model, tiny.everything(), epochs=2, validation_data=few, validation_batch_size=tiny.BATCH,
      callbacks=[keras.callbacks.TerminateOnNaN(), keras.callbacks.BackupAndRestore(path + '.d')])
  np.savez(
      path, *tiny.values(distribution), initial=np.concatenate([v.ravel() for v in initial]),
      loss=history['loss'], val_loss=history['val_loss'],
      evaluated=model.evaluate(few, batch_size=tiny.BATCH, verbose=0),
      predicted=model.predict(few, batch_size=tiny.BATCH, verbose=0))


if __name__ == '__main__':
  main(sys.argv[1])
