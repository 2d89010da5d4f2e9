"""Data sets and models small enough to see through."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfp_glow import data
from tfp_glow.data import tfds_reader

SHAPES = [(4, 4, 6), (2, 2, 24)]
SIZE = 192


class Faces(tfds.core.GeneratorBasedBuilder):
  """Images with two boolean attributes and a number, as CelebA has them."""

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({
        'image': tfds.features.Image(shape=(8, 8, 3)),
        'attributes': {'smiling': tf.bool, 'hat': tf.bool, 'age': tf.int32},
    }))

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples(25), 'test': self._generate_examples(4)}

  def _generate_examples(self, num):
    for i in range(num):
      yield i, {'image': np.full([8, 8, 3], 5 * i, np.uint8),
                'attributes': {'smiling': i % 2 == 0, 'hat': i % 5 == 0, 'age': i}}


class Model:
  """The identity as a flow: latents are the pixels in units of 1/255, and 100 more."""

  event_size, conditions = SIZE, {}

  def encode(self, images, noise):
    del noise
    return tf.reshape(tf.cast(images, tf.float32) / 255. + 100., [-1, SIZE])


def faces(folder, config):
  """The `ImageSource` of `Faces`."""
  builder = Faces(data_dir=folder)
  builder.download_and_prepare()
  return data.ImageSource(tfds_reader.TfdsReader(builder, 'faces'), config)
