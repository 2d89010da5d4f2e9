"""A run that is over in seconds: a few small images, a small flow, a few steps."""

import json
import os

import ml_collections
import numpy as np
import tensorflow as tf

from configs import base
from tfp_glow import data
from tfp_glow import training
from tfp_glow.data import array_reader

NUM_STEPS = 12


class MemorySource(data.ImageSource):
  """Blots of 8x8 pixels, brighter to one side, made on the spot."""

  def __init__(self, **fields):
    reader = array_reader.ArrayReader('blots', {
        split: self._make(np.random.RandomState(seed), num)
        for seed, (split, num) in enumerate([('train', 96), ('test', 53)])})
    config = {**data.defaults(), 'name': 'blots', 'shift': 1, **fields}
    super().__init__(reader, ml_collections.ConfigDict(config))

  def _make(self, random, num):
    """Images uint8 [num, 8, 8, 1] and their labels, or None."""
    slope = random.randint(0, 20, [num, 1, 1, 1]) * np.arange(8)[:, None]
    return (slope + random.randint(0, 60, [num, 8, 8, 1])).astype(np.uint8), None


class LabelledSource(MemorySource):
  """Blots that are bright above (0), below (1), left (2) or right (3)."""

  def _make(self, random, num):
    labels = random.randint(0, 4, [num])
    images = random.randint(0, 60, [num, 8, 8, 1])
    halves = np.zeros([4, 8, 8, 1])
    halves[0, :4], halves[1, 4:], halves[2, :, :4], halves[3, :, 4:] = 180, 180, 180, 180
    return (images + halves[labels]).astype(np.uint8), labels


def config(**changes):
  """The defaults made tiny, with `changes` such as `optimizer__name='sgd'` or `num_steps=3`."""
  result = base.defaults()
  result.update_from_flattened_dict({
      'batch_size': 8, 'num_steps': NUM_STEPS, 'log_every': 3, 'eval_every': 6,
      'sample_every': 0, 'checkpoint_every': 4,
      'model.num_levels': 1, 'model.depth': 2, 'model.hidden_channels': 8,
      'optimizer.name': 'adam', 'optimizer.learning_rate': 2e-3, 'optimizer.warmup_steps': 2,
      'optimizer.schedule': 'cosine', 'optimizer.clip_norm': 1., 'optimizer.ema_decay': .9,
      'evaluation.batch_size': 16, 'sampling.num_samples': 4,
      'recovery.max_bad_steps': 2, 'recovery.max_recoveries': 6})
  result = result.to_dict()
  result['recovery']['max_bpd_rise'] = 1.
  for name, value in changes.items():
    *parents, field = name.split('__')
    part = result
    for parent in parents:
      part = part[parent]
    part[field] = value
  return ml_collections.ConfigDict(result)


def one_device():
  """The cluster of one CPU."""
  return training.Cluster(tf.distribute.get_strategy())


def two_devices():
  """The cluster of two logical CPUs."""
  # Late: it splits the CPU, which processes that tests start do not want.
  from tests import conftest  # pylint: disable=import-outside-toplevel
  return training.Cluster(conftest.mirrored_strategy())


def lines(path):
  """The objects of a metrics.jsonl."""
  with open(f'{path}/metrics.jsonl', encoding='utf-8') as f:
    return [json.loads(line) for line in f]


def weights(path):
  """Weights, average and slots of a run's newest checkpoint, as bytes by name."""
  reader = tf.train.load_checkpoint(f'{path}/checkpoints')
  parts = {'model', 'average', 'slots'}  # And `best`, where a run keeps that.
  names = [name for name in reader.get_variable_to_shape_map() if name.split('/')[0] in parts]
  assert {name.split('/')[0] for name in names} == parts
  return {name: reader.get_tensor(name).tobytes() for name in names}


def numbers(path):
  """Of a run's checkpoints, a sorted list."""
  return sorted(int(name[len('ckpt-'):-len('.json')])
                for name in os.listdir(f'{path}/checkpoints') if name.endswith('.json'))


def drop_newest(path):
  """Cuts a run back to the checkpoint before its newest, as if it had been killed after that."""
  *_, before, newest = numbers(path)
  for name in os.listdir(f'{path}/checkpoints'):
    if name.startswith(f'ckpt-{newest}.'):
      os.remove(f'{path}/checkpoints/{name}')
  with open(f'{path}/checkpoints/checkpoint', 'w', encoding='utf-8') as f:
    f.write(f'model_checkpoint_path: "ckpt-{before}"\n')
