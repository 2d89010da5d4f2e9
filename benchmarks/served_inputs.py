"""Good inputs of whatever signatures an export has."""

import json
import os

import numpy as np
import tensorflow as tf

from tfp_glow.serving import definitions

__all__ = ['Inputs']


class Inputs:
  """Draws inputs that fit the definitions of an export.

  Args:
    path: str, the folder with saved_model.pb.
    random: np.random.RandomState.

  Attributes:
    description: dict, what is in model.json.
    signatures: list of str, those that have good inputs: `manipulate` takes directions by name,
      and some exports hold none.
    num_classes: int.
  """

  def __init__(self, path, random):
    with open(os.path.join(path, 'assets.extra', 'model.json'), encoding='utf-8') as f:
      self.description = json.load(f)
    self.num_classes = self.description['model'].get('num_classes', 0)
    self._definitions = definitions.read(path)
    self.signatures = [name for name in self._definitions
                       if self.description['directions'] or name != 'manipulate']
    self._random = random

  def draw(self, signature, batch, **given):
    """Arrays by name for a signature.

    Args:
      signature: str.
      batch: int, how many images, latents, labels or files.
      **given: inputs to take instead of drawn ones, if the signature has them.
    """
    return {name: given[name] if name in given else self._input(name, info, batch)
            for name, info in sorted(self._definitions[signature].inputs.items())}

  def _input(self, name, info, batch):
    shape = [batch if size is None else size
             for size in tf.TensorShape(info.tensor_shape).as_list()]
    if name in ('images', 'other_images'):
      return self._random.randint(0, 256, shape).astype(np.uint8)
    if name == 'image_bytes':
      return np.array([self._file() for _ in range(batch)], object)
    if name == 'direction':
      names = self.description['directions']
      return np.array(names[self._random.randint(len(names))], object)
    integers = dict(labels=(0, self.num_classes), num=(2, 5), noise_draws=(1, 4),
                    seed=(-2**31, 2**31))
    if name in integers:
      return np.int32(self._random.randint(*integers[name], shape))
    scale = 1. if name in ('temperature', 'latents') else .1
    return np.float32(scale * np.abs(self._random.normal(size=shape)))

  def _file(self):
    shape = self.description['image_shape']
    return tf.io.encode_png(self._random.randint(0, 256, shape).astype(np.uint8)).numpy()
