"""Random damage to one file of a folder."""

import json
import os
import shutil

__all__ = ['EVERY_KIND', 'IN_PLACE', 'damage']

# Kinds that leave a file in its place, and others. A link to itself stands for what cannot be
# opened, since a test that runs as root may read any file.
IN_PLACE = ('cut', 'flip', 'delete', 'empty', 'lengthen', 'overwrite', 'exchange')
EVERY_KIND = (*IN_PLACE, 'folder', 'loop')

_VALUES = (None, True, -1, 0, 1.5, 'text', [], {}, [1, 'a'], {'a': 1}, 10**30)


def damage(random, folder, name, names, kinds=EVERY_KIND, is_json=lambda name: False):
  """Changes one file.

  Args:
    random: a `np.random.RandomState`.
    folder: str.
    name: str, a file in it that is not empty.
    names: list of str, the files that it may be exchanged for.
    kinds: strs, the kinds of damage to choose from.
    is_json: function of a name that says whether values in the file may get other types too.

  Returns:
    What was done, in words.
  """
  file = os.path.join(folder, name)
  with open(file, 'rb') as f:
    before = f.read()
  place, length = random.randint(len(before)), random.randint(1, 65)
  kind = random.choice([*kinds] + ['json'] * (5 * is_json(name)))
  if kind in ('delete', 'folder', 'loop'):
    os.remove(file)
    if kind == 'folder':
      os.mkdir(file)
    elif kind == 'loop':
      os.symlink(os.path.basename(file), file)
    return {'delete': 'deleted', 'folder': 'a folder', 'loop': 'a link to itself'}[kind]
  if kind == 'exchange':
    other = names[random.randint(len(names))]
    shutil.copyfile(os.path.join(folder, other), file + '.new')
    os.replace(file + '.new', file)
    return f'replaced by {other}'
  after = dict(
      cut=lambda: before[:place], empty=lambda: b'', lengthen=lambda: before + random.bytes(length),
      flip=lambda: before[:place] + bytes([before[place] ^ (1 << random.randint(8))])
      + before[place + 1:],
      overwrite=lambda: before[:place] + bytes(length) + before[place + length:],
      json=lambda: _other_json(random, before))[kind]()
  with open(file, 'wb') as f:
    f.write(after)
  return f'{kind} at {place} of {len(before)}'


def _other_json(random, text):
  """JSON, or lines of it, with one value, at any depth, replaced or taken away."""
  lines = text.splitlines() if text.count(b'\n') > 1 and text.startswith(b'{"') else [text]
  number = random.randint(len(lines))
  value = json.loads(lines[number])
  places = list(_places(value))
  parent, key = places[random.randint(len(places))]
  if random.randint(4) == 0:
    del parent[key]
  else:
    parent[key] = _VALUES[random.randint(len(_VALUES))]
  lines[number] = json.dumps(value).encode()
  return b'\n'.join(lines) + b'\n' * text.endswith(b'\n')


def _places(value):
  """Every value within a dict or list, as (parent, key)."""
  keys = list(value) if isinstance(value, dict) else range(len(value))
  for key in keys:
    yield value, key
    if isinstance(value[key], (dict, list)):
      yield from _places(value[key])
