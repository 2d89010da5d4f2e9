"""Random requests to an export, most of them bad: each gets its answer or one line that says why not.

    python -m benchmarks.hostile_requests 3000                 of two tiny models made for it
    python -m benchmarks.hostile_requests 3000 --export=runs/mnist5k/export/2200

A request is a good one, or has one input of another rank, size, dtype or content, none at all or
one too many. It goes to the loaded signature or, as servers and C clients do, to a session. A
fault is a bad request that is answered, or refused by anything but an InvalidArgumentError whose
line names an input that is wrong; or a good one that is refused, or answered with other values
than at the other place. TensorFlow compares dtypes itself, and names the input by its number.
"""

import argparse
import collections
import dataclasses
import json
import re
import sys
import time

import numpy as np
import tensorflow as tf

from benchmarks import served_inputs

_OTHER_DTYPES = (np.uint8, np.int32, np.int64, np.float32, np.float64, np.bool_)
_FAR = 3e38
_GOOD = 0.15  # Share of good requests.


@dataclasses.dataclass
class Result:
  """How requests ended: `refused`, `answered` and seconds of the slowest; and what went wrong."""

  counts: collections.Counter
  slowest: float
  faults: list


def run(path, num, seed=0, places=None):
  """Sends random requests to an export.

  Args:
    path: str, the folder with saved_model.pb.
    num: int, how many.
    seed: int.
    places: the pair of places where they are sent to, loaded already: callables that take the
      name of a signature and arrays by the names of its inputs, and return arrays by name.

  Returns:
    A `Result`.
  """
  random = np.random.RandomState(seed)
  places = places or (_Loaded(path), _Session(path))
  requests = _Requests(path, random)
  result = Result(collections.Counter(), 0., [])
  for _ in range(num):
    request = requests.draw()
    # A session turns values into the placeholder's dtype, and knows inputs by their tensors.
    place = 0 if request.kind in ('dtype', 'missing', 'surplus') else random.randint(2)
    start = time.monotonic()
    try:
      answer, line = places[place](request.signature, **request.inputs), None
    except Exception as error:  # pylint: disable=broad-except
      answer, line = None, _line_of(error)
      if not isinstance(error, (tf.errors.InvalidArgumentError, TypeError)):
        line = f'{type(error).__name__}: {line}'
    result.slowest = max(result.slowest, time.monotonic() - start)
    result.counts['answered' if line is None else 'refused'] += 1
    fault = _fault(request, answer, line, places[1 - place])
    if fault:
      result.faults.append(f'{request}: {fault}')
  return result


def _fault(request, answer, line, other_place):
  """What is wrong with the outcome of a request, or None."""
  if line is not None:
    if request.kind == 'good':
      return f'a good request was refused: {line}'
    return None if _names(line, request) else f'the error names no wrong input: {line}'
  if request.kind == 'good' and not _same(
      answer, other_place(request.signature, **request.inputs)):
    return 'a good request has two answers'
  if not all(np.isfinite(value).all() for value in answer.values() if value.dtype == np.float32):
    return 'the answer is not finite'
  return None if request.kind in ('good', 'perhaps') else 'a bad request was answered'


def _names(line, request):
  if request.kind == 'dtype':  # TensorFlow counts the inputs in the order of their names.
    number = sorted(request.inputs).index(request.changed)
    return f'input #{number}(zero-based) was expected to be' in line
  return re.search(rf'\b{request.changed}\b', line.split('received')[0].split('Received')[0])


def _line_of(error):
  """The line of an error that a reader looks for."""
  lines = str(error).splitlines()
  return next((line for line in lines if line.startswith('assertion failed')), lines[0])


def _same(a, b):
  """Whether two answers agree but for rounding."""
  return set(a) == set(b) and all(
      a[name].shape == b[name].shape and np.allclose(
          a[name].astype(np.float64), b[name].astype(np.float64), rtol=1e-3,
          atol=1. if a[name].dtype == np.uint8 else 1e-3) for name in a)


@dataclasses.dataclass
class _Request:
  """A request, the input that was changed, and how: `perhaps` where the result may be good."""

  signature: str
  inputs: dict
  changed: str = ''
  kind: str = 'good'

  def __str__(self):
    value = self.inputs.get(self.changed)
    shown = '' if value is None else f' {value.dtype}{list(value.shape)} {str(value)[:60]!r}'
    return f'{self.signature}, {self.kind} {self.changed}{shown}'


class _Loaded:
  """The signatures that Python gets."""

  def __init__(self, path):
    self._loaded = tf.saved_model.load(path)

  def __call__(self, signature, **inputs):
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    outputs = self._loaded.signatures[signature](**inputs)
    return {name: value.numpy() for name, value in outputs.items()}


class _Session:
  """A session with the SavedModel, as in a server."""

  def __init__(self, path):
    self._session = tf.compat.v1.Session(graph=tf.Graph())
    with self._session.graph.as_default():
      self._definitions = tf.compat.v1.saved_model.load(
          self._session, ['serve'], path).signature_def

  def __call__(self, signature, **inputs):
    definition = self._definitions[signature]
    return self._session.run(
        {name: info.name for name, info in definition.outputs.items()},
        {definition.inputs[name].name: value for name, value in inputs.items()})


class _Requests:
  """Draws requests that an export can answer, and spoils most of them."""

  def __init__(self, path, random):
    self._inputs = served_inputs.Inputs(path, random)
    self._limits = self._inputs.description['limits']
    self._random = random

  def draw(self):
    signature = self._choose(self._inputs.signatures)
    request = _Request(signature, self._inputs.draw(signature, self._random.randint(1, 4)))
    if self._random.uniform() >= _GOOD:
      self._spoil(request)
    return request

  def _choose(self, values):
    return values[self._random.randint(len(values))]

  def _spoil(self, request):
    """Changes one input of a request."""
    request.changed = name = self._choose(sorted(request.inputs))
    value = request.inputs[name]
    ways = [self._other_rank, self._other_size, self._other_dtype, self._missing, self._surplus]
    ways += [self._other_content] * (3 if name not in ('images', 'other_images', 'seed') else 0)
    self._choose(ways)(request, name, value)

  def _other_rank(self, request, name, value):
    request.kind = 'rank'
    request.inputs[name] = value[0] if value.ndim and self._random.randint(2) else value[None]
    if isinstance(request.inputs[name], bytes):
      request.inputs[name] = np.array(request.inputs[name], object)

  def _other_size(self, request, name, value):
    request.kind = 'size'
    shape = list(value.shape) or [1]
    axis = self._random.randint(len(shape))
    is_batch = axis == 0 and name not in ('vector', 'seed') and value.ndim
    most = self._limits['images']
    sizes = [0, most + 1] if is_batch else [0, shape[axis] + 1, 2 * shape[axis], shape[axis] - 1]
    shape[axis] = self._choose(sizes)
    if not value.ndim and shape == [1]:
      shape = [1, 1]
    flat = np.resize(value, max(1, int(np.prod(shape))))
    request.inputs[name] = flat[:int(np.prod(shape))].reshape(shape)

  def _other_dtype(self, request, name, value):
    request.kind = 'dtype'
    if value.dtype == object:
      request.inputs[name] = np.zeros(value.shape, self._choose(_OTHER_DTYPES))
    elif self._random.randint(6) == 0:
      request.inputs[name] = np.full(value.shape, b'text', object)
    else:
      request.inputs[name] = value.astype(
          self._choose([dtype for dtype in _OTHER_DTYPES if dtype != value.dtype]))

  def _missing(self, request, name, value):
    del value
    request.kind = 'missing'
    del request.inputs[name]

  def _surplus(self, request, name, value):
    request.kind, request.changed = 'surplus', f'{name}_2'
    request.inputs[request.changed] = value

  def _other_content(self, request, name, value):
    request.kind = 'content'
    if name == 'direction':
      request.inputs[name] = np.array(self._choose([
          b'', b'\xff\xfe', b'\x00', b'smile ', b'x' * 10**6, b'%s %d \\n', b'[]']), object)
    elif name == 'image_bytes':
      request.kind = 'perhaps'  # What a decoder makes of a broken file is its own affair.
      files = list(value)
      place = self._random.randint(len(files))
      files[place] = self._broken(files[place])
      request.inputs[name] = np.array(files, object)
    elif name in ('num', 'noise_draws'):
      most = self._limits['draws' if name == 'noise_draws' else 'images']
      request.inputs[name] = np.int32(self._choose([0, -1, most + 1, 2**31 - 1, -2**31]))
    elif name == 'labels':
      request.inputs[name][self._random.randint(len(value))] = self._choose(
          [-1, self._inputs.num_classes, 2**31 - 1, -2**31])
    else:
      bad = [np.nan, np.inf, -np.inf] + [-1.] * (name == 'temperature')
      if self._random.randint(4) == 0:
        bad, request.kind = [_FAR, 1e30, 1e10], 'perhaps'
      flat = np.array(value).reshape(-1)
      flat[self._random.randint(flat.size)] = self._choose(bad)
      request.inputs[name] = flat.reshape(value.shape)

  def _broken(self, file):
    way = self._random.randint(5)
    if way == 4:  # A header that promises pixels by the million.
      return file[:16] + self._random.randint(0, 2**16, 2).astype('>u4').tobytes() + file[24:]
    if way == 0:
      return file[:self._random.randint(len(file))]
    if way == 1:
      return self._random.bytes(self._random.randint(200))
    place = self._random.randint(len(file))
    flipped = bytes([file[place] ^ (1 << self._random.randint(8))])
    if way == 2:
      return file[:place] + flipped + file[place + 1:]
    return self._choose([b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'GIF89a', b'BM', b'RIFF', b'']) + (
        self._random.bytes(self._random.randint(60)))


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('num', type=int, help='requests for each export')
  parser.add_argument('--export', action='append', help='folder with saved_model.pb')
  parser.add_argument('--seed', type=int, default=0)
  arguments = parser.parse_args()
  paths = arguments.export
  if not paths:
    from tests.serving import tiny  # pylint: disable=import-outside-toplevel
    paths = [tiny.tiny().path, tiny.classes().path]
  failed = False
  for path in paths:
    result = run(path, arguments.num, arguments.seed)
    failed |= bool(result.faults)
    print(json.dumps(dict(export=path, **result.counts, slowest_seconds=round(result.slowest, 2),
                          faults=len(result.faults))))
    for fault in result.faults:
      print(' ', fault[:500])
  sys.exit(failed)


if __name__ == '__main__':
  main()
