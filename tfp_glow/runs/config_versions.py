"""Configs that other versions of this program wrote.

A field that a config lacks counts as what the program did before there was such a field. One
that this version does not know is named: it is ignored where it can change no number, and
refused where it can.
"""

import functools
import json

import ml_collections

from tfp_glow import errors
from tfp_glow.runs import config_check
from tfp_glow.runs import metrics

__all__ = ['BEFORE', 'check_recorded', 'complete']

# Of every field that was not there from the start, what held before it was.
BEFORE = {
    'dataset.skip_broken': False,
    'dataset.validation_percent': 0,
    'model.num_components': 8,
    'model.num_bins': 8,
    'model.dequantization': 'uniform',
    'model.input_limit': 4.,
    'model.num_classes': 0,
    'model.condition_couplings': False,
    'model.class_weight': 0.,
    'model.conv_init': 'rotation',
    'early_stopping.patience': 0,
    'evaluation.max_images': 0,
    'recovery.max_level_drift': 1e-3,
    'recovery.max_bpd_rise': 1.,
}


def complete(config, where='the config', training=False, parts=None):
  """A config with the fields of this version.

  Args:
    config: a `ConfigDict`, or dict of what its JSON gives.
    where: str, what holds it, for messages.
    training: bool, whether it is to be trained by. Otherwise what concerns training alone
      may be unknown.
    parts: collection of str, the parts of a config that are wanted, such as "model"; None: all.

  Returns:
    A `ConfigDict` of its own.

  Raises:
    UserError: for a field that is missing, out of range, or unknown and cannot be ignored.
  """
  if isinstance(config, ml_collections.ConfigDict):
    config = config.to_dict()
  try:
    fields = config_check.flat(json.loads(json.dumps(config)))
  except (TypeError, ValueError) as error:
    raise errors.UserError(f'{where} holds what JSON cannot ({error}); numbers, strings, True and '
                           f'False are what its fields take.') from error
  fields = {**BEFORE, **fields}
  if parts is not None:
    fields = {name: value for name, value in fields.items() if name.split('.')[0] in parts}
  for name in sorted(set(fields) - set(config_check.FIELDS)):
    _refuse_or_ignore(name, fields.pop(name), where, training)
  result = ml_collections.ConfigDict()
  for name, value in fields.items():
    *parents, field = name.split('.')
    part = result
    for parent in parents:
      if parent not in part:
        part[parent] = ml_collections.ConfigDict()
      part = part[parent]
    part[field] = value
  config_check.check_config(result, where, parts)
  return result


def check_recorded(recorded, config, checkpoint, part=''):
  """Refuses a config that is not the one that a checkpoint was made with.

  Args:
    recorded: dict, `fixed_fields` of that, or None where they were not kept.
    config: a `ConfigDict`.
    checkpoint: str, its name.
    part: str, the beginning of the names to compare, such as "model.".

  Raises:
    UserError: that names a field that differs.
  """
  values = config_check.flat(config.to_dict())
  for name, value in (recorded or {}).items():
    if name in values and name.startswith(part) and values[name] != value:
      raise errors.UserError(
          f'{checkpoint} was made with {name}={json.dumps(value)}, and the config says '
          f'{json.dumps(values[name])}; put back the config.json that belongs to it.')


def _refuse_or_ignore(name, value, where, training):
  """Names a field that is not known: raises a `UserError` if it may change numbers."""
  if config_check.is_adjustable(name) or not (training or name.startswith(('model.', 'dataset.'))):
    _say_once(f'{where} has the field {name}={json.dumps(value)}, which this version of the '
              f'program does not know; it is ignored.')
    return
  raise errors.UserError(
      f'{where} has the field {name}={json.dumps(value)}, which this version of the program does '
      f'not know; use the version that made it, or take the field out if it is a slip.')


@functools.cache
def _say_once(text):
  metrics.say(text)
