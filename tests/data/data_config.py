"""Dataset configs for the tests of this folder."""

import types


def dataset_config(name='mnist5k', **changes):
  """The `dataset` part of a config with its defaults, changed where asked."""
  fields = dict(name=name, data_dir='', image_size=0, resize='none', crop_from=0, shift=0,
                flip=False, shuffle_buffer=1000)
  return types.SimpleNamespace(**{**fields, **changes})
