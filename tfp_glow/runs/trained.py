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
from tfp_glow.runs import origin
from tfp_glow.runs import workdir as workdir_lib

__all__ = ['TrainedModel', 'load_model', 'load_trained', 'make_model', 'step_of']


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
  """A model with the averaged weights of a run, and the data that it was trained on.

  `day` is that on which they were saved, in ISO format, or None where that was not written down.
  """

  model: distributions.ImageModel
  source: data.ImageSource
  step: int
  day: str | None = None


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
  store, number, info = _newest(workdir)
  config_versions.check_recorded(info.get('config'), config, f'ckpt-{number}', 'model.')
  source = data.load(config.dataset)
  run_origin = origin.Origin(workdir)
  change = run_origin.change_of(source)
  if change is not None:
    metrics.say(f'These are not quite the data of the run: {change.message}.')
  run_origin.check_fit(source)
  with (strategy or tf.distribute.get_strategy()).scope():
    model = make_model(config, source.image_shape)
  labels.check_labels(config, source)
  store.restore({_part(info): model}, number)
  return TrainedModel(model, source, step_of(info), info.get('saved'))


def load_model(path):
  """The model of `load_trained`, without its data where the run knows their shape.

  Args:
    path: str, the workdir.

  Returns:
    An `ImageModel`, made in the strategy scope of the caller.

  Raises:
    UserError: as `load_trained`.
  """
  workdir = workdir_lib.Workdir(path)
  shape = origin.Origin(workdir).read().get('image_shape')
  config = workdir.read_config()
  if shape is None:
    return load_trained(config, path).model
  store, number, info = _newest(workdir)
  config_versions.check_recorded(info.get('config'), config, f'ckpt-{number}', 'model.')
  model = make_model(config, tuple(shape))
  store.restore({_part(info): model}, number)
  return model


def _newest(workdir):
  """The checkpoints of a workdir, the number of the newest good one and its `info`."""
  store = checkpoint.CheckpointStore(workdir.checkpoints, metrics.say)
  number, info = next(store.usable(), (None, None))
  if number is None:
    raise errors.UserError(f'workdir {workdir.path} holds no usable checkpoint; train first with '
                           f'python train.py --workdir={workdir.path}')
  return store, number, info


def _part(info):
  """Which part of a checkpoint holds the weights that count."""
  return 'best' if 'best_step' in info else 'average'
