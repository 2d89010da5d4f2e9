"""Random damage to exports: each is read as before, or refused in one line that names a file of it.

    python -m benchmarks.damaged_exports 1000                  of two tiny exports made for it
    python -m benchmarks.damaged_exports 100 --without_manifest

Files are cut, emptied, deleted, lengthened, exchanged, overwritten in part, have bits flipped or,
where they are JSON, values of other types. Then `tfp_glow.load` and the page read the export. A
fault is any error but a UserError of one line that names one of its files, and an answer that is
not that of before: other weights, directions, test images or decoded pictures. Without a manifest,
as version 0.1 wrote exports, nothing can tell some changes of a value: those are counted as
`changed`.
"""

import argparse
import collections
import dataclasses
import json
import os
import shutil
import sys
import tempfile

import numpy as np

from benchmarks import file_damage
import tfp_glow
from tfp_glow import errors
from tfp_glow import serving
from tfp_glow.demo import served_model


@dataclasses.dataclass
class Result:
  """How many exports were read as before (`same`) or `refused`, and what went wrong."""

  counts: collections.Counter
  faults: list


def run(path, num, seed=0, without_manifest=False):
  """Damages copies of an export.

  Args:
    path: str, the folder with saved_model.pb; it stays as it is.
    num: int, how often.
    seed: int.
    without_manifest: bool, whether the export is made one of version 0.1 first.

  Returns:
    A `Result`.
  """
  random = np.random.RandomState(seed)
  result = Result(collections.Counter(), [])
  with tempfile.TemporaryDirectory() as folder:
    copy = os.path.join(folder, os.path.basename(path))
    shutil.copytree(path, copy)
    if without_manifest:
      _forget_manifest(copy)
    names = sorted(os.path.relpath(os.path.join(parent, name), copy)
                   for parent, _, files in os.walk(copy) for name in files)
    reference = _answers(copy)
    for _ in range(num):
      name = names[random.randint(len(names))]
      file = os.path.join(copy, name)
      with open(file, 'rb') as f:
        before = f.read()
      done = file_damage.damage(random, copy, name, names, file_damage.IN_PLACE,
                                lambda name: name.endswith('.json'))
      outcome = _outcome(copy, name, names, reference)
      result.counts[outcome if outcome in ('same', 'refused', 'changed') else 'faults'] += 1
      if outcome not in ('same', 'refused') and not (without_manifest and outcome == 'changed'):
        result.faults.append(f'{name} {done}: {outcome}')
      with open(file, 'wb') as f:
        f.write(before)
  return result


def _forget_manifest(path):
  export = serving.Export(path)
  os.remove(export.manifest_file)
  with open(export.description_file, encoding='utf-8') as f:
    description = json.load(f)
  del description['manifest']
  with open(export.description_file, 'w', encoding='utf-8') as f:
    json.dump(description, f)


def _answers(path):
  """What is read of an export: arrays by name."""
  model = tfp_glow.load(path)
  answers = {f'weight {i}': v.numpy() for i, v in enumerate(model.variables)}
  served = served_model.ServedModel(path)
  answers.update({f'direction {name}': vector for name, vector in served.directions.items()})
  if served.examples is not None:
    answers.update(vars(served.examples))
  label = 0 if model.num_classes else None
  answers['picture'] = served.decode(np.zeros([served.latent_size], np.float32), label)
  answers['temperature'] = np.array(served.temperature)
  return answers


def _outcome(path, name, names, reference):
  try:
    answers = _answers(path)
  except errors.UserError as error:
    return 'refused' if _is_one_good_line(str(error), path, name, names) else f'said {error}'
  except Exception as error:  # pylint: disable=broad-except
    return f'{type(error).__name__}: {error}'
  is_same = set(answers) == set(reference) and all(
      np.array_equal(answers[key], reference[key]) for key in reference)
  return 'same' if is_same else 'changed'


def _is_one_good_line(line, path, name, names):
  # A damaged list may blame one that is whole.
  blamed = names if name.endswith('.json') else [name]
  return '\n' not in line and (any(os.path.basename(n) in line for n in blamed) or path in line)


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('num', type=int, help='times that each export is damaged')
  parser.add_argument('--export', action='append', help='folder with saved_model.pb')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--without_manifest', action='store_true')
  arguments = parser.parse_args()
  paths = arguments.export
  if not paths:
    from tests.serving import tiny  # pylint: disable=import-outside-toplevel
    paths = [tiny.tiny().path, tiny.classes().path]
  failed = False
  for path in paths:
    result = run(path, arguments.num, arguments.seed, arguments.without_manifest)
    failed |= bool(result.faults)
    print(json.dumps(dict(export=path, **result.counts)))
    for fault in result.faults:
      print(' ', fault[:500])
  sys.exit(failed)


if __name__ == '__main__':
  main()
