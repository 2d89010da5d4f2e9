"""What a run remembers, and how it begins."""

import numpy as np
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import trained
from tfp_glow.runs import clock as clock_lib
from tfp_glow.training import state as state_lib


def _state():
  config = tiny.config()
  return state_lib.TrainState(
      tiny.one_device(), lambda: trained.make_model(config, (8, 8, 1)), config.optimizer, 7)


def test_begins_with_a_data_dependent_initialisation(source):
  state = _state()
  before = [v.numpy() for v in state.model.trainable_variables]
  images = source.arrays('train')[0][:32]
  noise = noise_lib.batch_noise(0, 0, images.shape)
  state.initialize(images, noise)
  assert any(np.any(v.numpy() != old) for v, old in zip(state.model.trainable_variables, before))
  for weight, average in zip(state.model.variables, state.average.variables):
    np.testing.assert_array_equal(weight.numpy(), average.numpy())
  # The latents of a flow that starts with unit couplings are white.
  latents = state.model.encode(images, noise)
  assert .8 < float(tf.math.reduce_std(latents)) < 1.2


def test_a_checkpoint_holds_everything_once(tmp_path):
  state = _state()
  path = tf.train.Checkpoint(**state.items()).write(str(tmp_path / 'c'))
  saved = tf.train.load_checkpoint(path).get_variable_to_shape_map()
  saved = [name for name in saved if name.split('/')[0] in state.items()]
  assert len(saved) == len(state.weights()) + len(state.progress.variables)
  for name in ('step', 'data_seed', 'recoveries', 'best_eval_bpd', 'wall_s'):
    assert f'progress/{name}/.ATTRIBUTES/VARIABLE_VALUE' in saved


def test_progress():
  progress = state_lib.Progress(7)
  assert int(progress.data_seed) == 7 and int(progress.step) == 0
  progress.window_bpd.assign(3.)
  progress.window_bad.assign(2)
  progress.clear_window()
  assert float(progress.window_bpd) == 0 and int(progress.window_bad) == 0
