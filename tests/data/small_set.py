"""A data set of TFDS with few images, as large ones are read."""

import numpy as np
import tensorflow_datasets as tfds

NUM_TRAIN, NUM_TEST = 450, 50


class GlowTestSmall(tfds.core.GeneratorBasedBuilder):
  """500 different labelled 8x8 images."""
  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(
        {'image': tfds.features.Image(shape=(8, 8, 1)),
         'label': tfds.features.ClassLabel(num_classes=10)}))

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples(0, NUM_TRAIN),
            'test': self._generate_examples(NUM_TRAIN, NUM_TRAIN + NUM_TEST)}

  def _generate_examples(self, start, stop):
    for k in range(start, stop):
      image = np.random.RandomState(k).randint(0, 256, [8, 8, 1]).astype(np.uint8)
      yield k, {'image': image, 'label': k % 10}
