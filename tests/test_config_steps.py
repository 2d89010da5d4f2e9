"""Each config's model, shrunken, is built and takes one training step."""

import glob
import importlib
import os

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import distributions
from tfp_glow import training
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step as train_step_lib

_CONFIGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'configs')
_NAMES = sorted(
    name for name in (os.path.basename(path)[:-3] for path in glob.glob(f'{_CONFIGS}/*.py'))
    if name not in ('__init__', 'base', 'published'))
_BATCH = 4


@pytest.fixture(autouse=True)
def eager():
  """Of a single step the tracing takes most of the time; other tests have traced steps."""
  tf.config.run_functions_eagerly(True)
  yield
  tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize('name', _NAMES)
def test_one_step_of_a_shrunken_copy(name):
  config = importlib.import_module(f'configs.{name}').get_config()
  config.batch_size = _BATCH
  config.model.depth = 2
  config.model.hidden_channels = 4
  config.model.num_levels = min(config.model.num_levels, 3)
  config.optimizer.warmup_steps = 0
  config.jit_compile = False
  channels = 1 if 'mnist' in config.dataset.name else 3
  image_shape = (8, 8, channels)
  cluster = training.Cluster(tf.distribute.get_strategy())
  state = state_lib.TrainState(
      cluster,
      lambda: distributions.build_image_model(config.model, image_shape, config.seed),
      config.optimizer, config.seed)
  images = tf.constant(
      np.random.default_rng(0).integers(0, 256, (_BATCH, *image_shape)), tf.uint8)
  noise = distributions.uniform_noise(images.shape, [0, 1])
  conditions = {'labels': tf.constant([0, 1, 2, 0])} if config.model.num_classes else {}
  state.initialize(images, noise, conditions)
  before = [v.numpy() for v in state.model.trainable_variables]
  loss = tf.reduce_mean(state.model.bits_per_dim(images, noise, **conditions))
  train_step_lib.make_train_step(cluster, state, config)(images, tf.constant(0.), conditions)
  assert np.isfinite(loss)
  assert int(state.progress.window_good) == 1 and int(state.progress.window_bad) == 0
  moved = [np.any(v.numpy() != b) for v, b in zip(state.model.trainable_variables, before)]
  assert any(moved)
