"""Images for training and evaluation, from TensorFlow Datasets, folders, IDX and .npz files.

    source = load('mnist5k')  # Or the `dataset` part of a config.
    train = train_batches(source, batch_size=64, seed=0)
    test = eval_batches(source, batch_size=100)

`mnist5k` and `photo_patches` come with the installed packages and need no download.
"""

import importlib

_PLACES = {
    'Change': 'fingerprints',
    'EMBEDDED': 'named',
    'ImageSource': 'source',
    'defaults': 'fields',
    'describe_change': 'fingerprints',
    'eval_batches': 'batches',
    'load': 'named',
    'train_batches': 'batches',
}

__all__ = [
    'Change',
    'EMBEDDED',
    'ImageSource',
    'defaults',
    'describe_change',
    'eval_batches',
    'load',
    'train_batches',
]


def __getattr__(name):
  # Late, so that configs have the defaults without TensorFlow.
  if name in _PLACES:
    return getattr(importlib.import_module(f'tfp_glow.data.{_PLACES[name]}'), name)
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
