"""Dataset configs for the tests of this folder."""

import types

from tfp_glow.data import fields


def dataset_config(name='mnist5k', **changes):
  """The `dataset` part of a config with its defaults, changed where asked."""
  return types.SimpleNamespace(**{**fields.defaults(), 'name': name, **changes})
