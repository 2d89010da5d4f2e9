"""Two tiny models, one of them with classes, and their exports, made once for all tests."""

import atexit
import dataclasses
import functools
import shutil
import tempfile

import ml_collections
import numpy as np
import tensorflow as tf

from configs import base
from tfp_glow import distributions
from tfp_glow import serving

NUM_CLASSES = 3
STEP = 7
DAY = '2026-02-28'  # Until which they were trained, as it were.
SHAPE = (8, 8, 3)
SIZE = 8 * 8 * 3


@dataclasses.dataclass
class Tiny:
  """The Python object, its config, and what its export has beside it."""

  model: distributions.ImageModel
  config: ml_collections.ConfigDict
  directions: dict
  examples: serving.Examples
  class_names: list | None = None

  @functools.cached_property
  def path(self):
    """Where its export lies, which takes seconds to make."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return serving.export_model(
        self.model, folder, STEP, self.config, directions=self.directions, examples=self.examples,
        class_names=self.class_names, trained=DAY)


def make_config():
  config = base.defaults()
  config.model.num_levels = 2
  config.model.depth = 2
  config.model.hidden_channels = 8
  config.dataset.resize = 'center_crop'
  config.dataset.image_size = 8
  return config


def make_images(num, seed=0, shape=SHAPE):
  return np.random.RandomState(seed).randint(0, 256, [num, *shape], dtype=np.uint8)


def make_model(config, shape=SHAPE):
  """A model that is initialised, and moved away from there, so that no part is the identity."""
  model = distributions.build_image_model(config.model, shape)
  images = make_images(32, 1, shape)
  num_classes = config.model.num_classes
  condition = dict(labels=tf.range(32) % num_classes) if num_classes else {}
  model.initialize(
      tf.constant(images), distributions.uniform_noise(images.shape, (0, 0)), **condition)
  random = np.random.RandomState(2)
  for variable in model.trainable_variables:
    variable.assign_add(0.02 * random.randn(*variable.shape).astype(np.float32))
  return model


@functools.cache
def tiny():
  """The one without classes, with three directions, six test images and 40 bits/dim."""
  random = np.random.RandomState(3)
  directions = {name: random.randn(SIZE).astype(np.float32)
                for name in ('smile', 'hat', 'hat->smile')}
  examples = serving.Examples(make_images(6, 4), random.uniform(7., 9., [40]).astype(np.float32))
  config = make_config()
  return Tiny(make_model(config), config, directions, examples)


@functools.cache
def classes():
  """The one of `NUM_CLASSES` classes, which have names, and with a direction."""
  config = make_config()
  config.model.update(depth=1, num_classes=NUM_CLASSES, condition_couplings=True)
  random = np.random.RandomState(3)
  directions = {'smile': random.randn(SIZE).astype(np.float32)}
  examples = serving.Examples(make_images(6, 4), random.uniform(7., 9., [40]).astype(np.float32),
                              np.arange(6, dtype=np.int32) % NUM_CLASSES)
  return Tiny(make_model(config), config, directions, examples, ['cat', 'dog', 'owl'])


@functools.cache
def signatures():
  """The signatures of the export without classes, loaded again."""
  return _signatures(tiny().path)


@functools.cache
def class_signatures():
  """The signatures of the export with classes, loaded again."""
  return _signatures(classes().path)


def _signatures(path):
  loaded = tf.saved_model.load(path)
  atexit.register(lambda: loaded)  # The Variables live as long as this object.
  return loaded.signatures


def call(signatures, name, **inputs):
  """The outputs of a signature, as arrays. NumPy arrays are Tensors of their own dtype."""
  inputs = {key: tf.constant(value) for key, value in inputs.items()}
  return {key: value.numpy() for key, value in signatures[name](**inputs).items()}
