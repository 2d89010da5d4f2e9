"""TFDS builder of `photo_patches`, from photographs that the scikit-image package ships."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfp_glow.data import packaged

# Drawings, charts and grey pictures are left out. The two views of the motorcycle show one
# scene, so both stand on the same side of the split. The test photographs are PNG files:
# every decoder reads the same pixels from them, and figures compare.
_TRAIN = ('astronaut.png', 'hubble_deep_field.jpg', 'ihc.png', 'motorcycle_left.png',
          'motorcycle_right.png', 'retina.jpg', 'rocket.jpg')
_TEST = ('chelsea.png', 'coffee.png')

_SIZE = 32
_STRIDE = 16
_SHRINK = (1, 2, 4)  # Each photograph is read at full, half and quarter size.
_MAX_PATCHES = 300  # Per photograph and size, so that no large photograph dominates.
_MIN_STD = 2.  # Grey levels. Flat patches (the black rim of a retina) teach only a spike.


def _photograph(file_name):
  """One photograph, uint8 [H, W, 3]."""
  data = tf.io.read_file(packaged.path('skimage', f'data/{file_name}'))
  if file_name.endswith('.png'):
    return tf.io.decode_png(data, channels=3).numpy()
  # Not as exact as the decoding of picture files, but what this version of the data set has had
  # from the start: runs on it go on, and figures compare.
  return tf.io.decode_jpeg(data, channels=3, dct_method='INTEGER_FAST', fancy_upscaling=True).numpy()


def _shrink(photograph, factor):
  """Averages factor x factor blocks; what is left over at the right and bottom is cut off."""
  height, width = (size // factor for size in photograph.shape[:2])
  blocks = photograph[:height * factor, :width * factor].reshape(
      height, factor, width, factor, 3)
  return np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)


def _patches(photograph):
  """Yields uint8 [32, 32, 3] patches of one photograph, always the same ones."""
  for factor in _SHRINK:
    picture = _shrink(photograph, factor)
    corners = [(top, left)
               for top in range(0, picture.shape[0] - _SIZE + 1, _STRIDE)
               for left in range(0, picture.shape[1] - _SIZE + 1, _STRIDE)]
    found = 0
    for k in np.random.RandomState(factor).permutation(len(corners)):
      top, left = corners[k]
      patch = picture[top:top + _SIZE, left:left + _SIZE]
      if patch.std() >= _MIN_STD:
        yield patch
        found += 1
      if found == _MAX_PATCHES:
        break


class PhotoPatches(tfds.core.GeneratorBasedBuilder):
  """32x32 RGB patches of nine photographs; two of them are for testing only.

  'image' is uint8 [32, 32, 3]; 'label' tells the photograph. Patches are cut on a grid of 16
  pixels from each photograph at full, half and quarter size. The test patches come from
  photographs (chelsea, coffee) of which training sees nothing.
  """

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    names = [name.split('.')[0] for name in _TRAIN + _TEST]
    return tfds.core.DatasetInfo(
        builder=self,
        description='32x32 patches of the colour photographs that scikit-image ships.',
        features=tfds.features.FeaturesDict({
            'image': tfds.features.Image(shape=(_SIZE, _SIZE, 3)),
            'label': tfds.features.ClassLabel(names=names),
        }),
        supervised_keys=('image', 'label'),
        homepage='https://scikit-image.org/docs/stable/api/skimage.data.html')

  def _split_generators(self, dl_manager):
    return {
        'train': self._generate_examples(_TRAIN),
        'test': self._generate_examples(_TEST),
    }

  def _generate_examples(self, file_names):
    for file_name in file_names:
      label = file_name.split('.')[0]
      for k, patch in enumerate(_patches(_photograph(file_name))):
        yield f'{label}_{k}', {'image': patch, 'label': label}
