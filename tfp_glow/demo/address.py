"""The address of what a visitor sees: its sample or test image, class, temperature and sliders.

    ?seed=3&class=7&temperature=0.7&blend=0.5&scale.0=12&to.3->8=-0.5

Only what has been moved stands in it. It leads to the same picture with the same export.
"""

import dataclasses
import math
import urllib.parse

from tfp_glow.demo import position as position_lib

__all__ = ['AddressError', 'Limits', 'read', 'write']


class AddressError(ValueError):
  """The address leads nowhere. Its message is for the visitor."""


@dataclasses.dataclass
class Limits:
  """What an address may name.

  Attributes:
    max_seed: int, of samples.
    num_images: int, of test images.
    num_classes: int.
    max_temperature, max_strength: floats.
    methods: list of str, the paths of a blend.
    num_scales: int, and max_scale_seed: int.
    directions: collection of str.
  """

  max_seed: int
  num_images: int
  num_classes: int
  max_temperature: float
  max_strength: float
  methods: list
  num_scales: int
  max_scale_seed: int
  directions: list


def write(position, moves):
  """The query of a `Position` and `Moves`; empty where no address can hold them.

  Those are a visitor's own picture, and a blend with a picture that was kept.
  """
  if position.seed is None and position.number is None or position.has_kept and moves.blend:
    return ''
  values = {} if position.seed is None else {'seed': position.seed}
  if position.number is not None:
    values['image'] = position.number
  if moves.label is not None:
    values['class'] = moves.label
  values['temperature'] = moves.temperature
  if moves.blend:
    values.update(blend=moves.blend, path=moves.method)
  values.update({f'scale.{i}': seed for i, seed in enumerate(moves.scale_seeds) if seed})
  values.update({f'to.{name}': strength for name, strength in moves.strengths.items() if strength})
  return urllib.parse.urlencode({
      name: f'{value:g}' if isinstance(value, float) else value for name, value in values.items()})


def read(query, limits):
  """What `write` wrote, from an address that anybody may have changed.

  Args:
    query: str, with or without its question mark.
    limits: `Limits`.

  Returns:
    None where it names nothing, or the seed of a sample and the number of a test image, one of
    them None, and `Moves`, whose temperature and label are None where it does not say.

  Raises:
    AddressError: for a value that the page does not have.
  """
  values = dict(urllib.parse.parse_qsl(str(query).removeprefix('?')))
  seed = _number(values, 'seed', int, 0, limits.max_seed)
  number = _number(values, 'image', int, 0, limits.num_images - 1)
  if seed is None and number is None:
    return None
  method = values.get('path', limits.methods[0])
  if method not in limits.methods:
    raise AddressError(f'The address asks for the path {method[:40]!r}; there are '
                       f'{", ".join(limits.methods)}.')
  strengths = {name: _number(values, f'to.{name}', float, -limits.max_strength,
                             limits.max_strength) or 0. for name in limits.directions}
  return seed, None if seed is not None else number, position_lib.Moves(
      temperature=_number(values, 'temperature', float, 0., limits.max_temperature),
      label=_number(values, 'class', int, 0, limits.num_classes - 1),
      blend=_number(values, 'blend', float, 0., 1.) or 0., method=method,
      scale_seeds=[_number(values, f'scale.{i}', int, 0, limits.max_scale_seed) or 0
                   for i in range(limits.num_scales)],
      strengths={name: value for name, value in strengths.items() if value})


def _number(values, name, kind, least, most):
  if name not in values:
    return None
  try:
    value = kind(values[name])
  except ValueError:
    value = math.nan
  if not least <= value <= most:
    raise AddressError(
        f'The address asks for {name} = {values[name][:40]!r}, which ' +
        (f'must be a number from {least:g} to {most:g}.' if least <= most else
         'this model does not have.'))
  return value
