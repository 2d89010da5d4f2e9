"""Data sets and flags of a run that is over in seconds, as a user has them."""

import os

import numpy as np
from PIL import Image

__all__ = ['FLAGS', 'folder_flags', 'npz_flags', 'root']

FLAGS = (
    '--config.batch_size=16', '--config.num_steps=12', '--config.log_every=4',
    '--config.eval_every=6', '--config.checkpoint_every=6', '--config.sample_every=12',
    '--config.model.num_levels=1', '--config.model.depth=1', '--config.model.hidden_channels=4',
    '--config.evaluation.batch_size=16')


def root():
  """The folder with train.py."""
  return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def folder_flags(folder, num=80):
  """Flags for a folder of colour pictures, which are made there."""
  random = np.random.RandomState(0)
  os.makedirs(folder, exist_ok=True)
  for number in range(num):
    picture = random.randint(0, 200, [1, 1, 3]) + random.randint(0, 50, [10, 12, 3])
    Image.fromarray(picture.astype(np.uint8)).save(os.path.join(folder, f'{number}.png'))
  return [f'--config={root()}/configs/folder.py', f'--config.dataset.data_dir={folder}',
          '--config.dataset.image_size=8', '--config.dataset.resize=center_crop', *FLAGS]


def npz_flags(path):
  """Flags for a file of grey images of 8x8 pixels with labels from 0 to 3, which is made."""
  random = np.random.RandomState(0)
  arrays = {}
  for split, num in (('train', 64), ('test', 24)):
    labels = random.randint(0, 4, [num])
    arrays[f'y_{split}'] = labels
    arrays[f'x_{split}'] = (
        40 * labels[:, None, None] + random.randint(0, 60, [num, 8, 8])).astype(np.uint8)
  np.savez(path, **arrays)
  return [f'--config={root()}/configs/folder.py', '--config.dataset.name=npz',
          f'--config.dataset.data_dir={path}', '--config.dataset.resize=none',
          '--config.dataset.image_size=0', *FLAGS]
