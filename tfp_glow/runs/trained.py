"""The model of a run: made for training, or loaded when it is trained."""

import dataclasses

import tensorflow as tf

from tfp_glow import data
from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow.runs import checkpoint
from tfp_glow.runs import config_versions
from tfp_glow.runs import labels
from tfp_glow.runs import metrics
from tfp_glow.runs import workdir as workdir_lib

__all__ = ['TrainedModel', 'load_trained', 'make_model', 'step_of']


def make_model(config, image_shape):
  """The `ImageModel` of a config.

  Raises:
    UserError: if the model's fields do not fit together or the images.
  """
  try:
    return distributions.build_image_model(config.model, image_shape, config.seed)
  except ValueError as error:
    raise errors.UserError(f'the model cannot be built: {error}') from error


@dataclasses.dataclass
class TrainedModel:
  """A model with the averaged weights of a run, and the data that it was trained on."""

  model: distributions.ImageModel
  source: data.ImageSource
  step: int


def step_of(info):
  """The step that the weights of `load_trained` are of, from a checkpoint's `info`."""
  return info.get('best_step', info['step'])


def load_trained(config, path, strategy=None):
  """The averaged weights of a run's newest good checkpoint.

  With early stopping, those of the best evaluation so far.

  Args:
    config: the run's config.
    path: str, the workdir.
    strategy: the `tf.distribute.Strategy` that makes the Variables, by default the present one.

  Returns:
    A `TrainedModel`.

  Raises:
    UserError: if the workdir holds no good checkpoint.
  """
  config = config_versions.complete(config)
  workdir = workdir_lib.Workdir(path)
  store = checkpoint.CheckpointStore(workdir.checkpoints, metrics.say)
  number, info = next(store.usable(), (None, None))
  if number is None:
    raise errors.UserError(f'workdir {path} holds no usable checkpoint; train first with '
                           f'python train.py --workdir={path}')
  source = data.load(config.dataset)
  with (strategy or tf.distribute.get_strategy()).scope():
    model = make_model(config, source.image_shape)
  labels.check_labels(config, source)
  part = 'best' if 'best_step' in info else 'average'
  store.restore({part: model}, number)
  return TrainedModel(model, source, step_of(info))
