"""What a bijector hands on from one call to the next, in the place of TFP's cache.

TFP asks a bijector for a value and for its log-det in two calls, and both come from one run of
the networks. TFP's cache answers the second call, but any later one too: after an assignment,
under another tape, from another graph. Here a result is handed on

  - to the opposite direction: `forward(z)` of a z that `inverse(y)` made is y, and
  - as a log-det, once, of either end of the last run,
  - to the same direction only within one call of a composition: a `Chain` that was asked for its
    forward and then for its log-det there asks each part for its forward again,

and only where a new run would give the same: in the same graph, under the same tapes, with the same
conditions, and with no Variable changed in between. It hangs on the Tensors themselves, so that it
is gone when they are.
"""

import weakref

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow.private import tensorflow as private_tf
from tfp_glow.private import tfp as private_tfp

__all__ = ['HandOn', 'forget_compositions']

tfb = tfp.bijectors

_OPPOSITE = {'forward': 'inverse', 'inverse': 'forward'}

# The attributes of a Tensor that hold the run that made it and the last one that it went into.
_MADE_BY, _GIVEN_TO = '_tfp_glow_made_by', '_tfp_glow_given_to'

# Operations of a graph that take a Variable's handle and leave its value as it is.
_READS = ('ReadVariableOp', 'ResourceGather', 'ResourceGatherNd', 'VarHandleOp',
          'VarIsInitializedOp', 'VariableShape')


class HandOn:
  """Stands where `tfb.Bijector` keeps its cache, `_cache`, and is called as that is.

  The bijector has `forward_and_log_det(x, **kwargs)` and `inverse_and_log_det(y, **kwargs)`,
  which return the value and the log|det| of their direction.
  """

  def __get__(self, bijector, bijector_class=None):
    return self if bijector is None else _Calls(bijector)


class _Calls:
  """The calls of one bijector, by the names that TFP's cache has for them."""

  def __init__(self, bijector):
    self._bijector = bijector

  def forward(self, x, **kwargs):
    return self._value('forward', x, kwargs)

  def inverse(self, y, **kwargs):
    return self._value('inverse', y, kwargs)

  def forward_attributes(self, x, **kwargs):
    return self._attributes('forward', x, kwargs)

  def inverse_attributes(self, y, **kwargs):
    return self._attributes('inverse', y, kwargs)

  def clear(self):
    """Nothing to do: there is no storage but the Tensors."""

  def _value(self, direction, x, kwargs):
    run = getattr(_first(x), _MADE_BY, None)
    if run is not None and run.is_of(self._bijector, _OPPOSITE[direction]) and run.made(x) and (
        run.still_holds(kwargs)):
      return run.input
    run = getattr(_first(x), _GIVEN_TO, lambda: None)()
    if run is not None and run.is_of(self._bijector, direction) and run.was_given(x) and (
        run.is_asked_again() and run.still_holds(kwargs)):
      return run.output()
    with private_tf.watched_variables() as watched:
      y, log_det = getattr(self._bijector, f'{direction}_and_log_det')(x, **kwargs)
    _Run(self._bijector, direction, x, y, log_det, kwargs, watched.variables)
    return y

  def _attributes(self, direction, x, kwargs):
    """The log-det of `inverse` under the name that TFP has for it, if one can be handed on."""
    given_to = getattr(_first(x), _GIVEN_TO, lambda: None)()
    made_by = getattr(_first(x), _MADE_BY, None)
    for run, way, is_end in ((given_to, direction, 'was_given'),
                             (made_by, _OPPOSITE[direction], 'made')):
      if run is not None and run.is_of(self._bijector, way) and getattr(run, is_end)(x) and (
          run.still_holds(kwargs)):
        run.end()
        return {'ildj': run.log_det if way == 'inverse' else -run.log_det}
    return {}


class _Run:
  """One run of a bijector. It lives as long as its output, to which it ties itself."""

  def __init__(self, bijector, direction, x, y, log_det, kwargs, variables):
    self._bijector = weakref.ref(bijector)
    self._direction = direction
    self.input = x
    self.log_det = log_det
    self._outputs = tf.nest.map_structure(weakref.ref, y)
    self._composition = _composition_of(bijector)
    if any(part is given for part in tf.nest.flatten(y) for given in tf.nest.flatten(x)):
      return  # Nothing was made.
    self._kwargs = tf.nest.map_structure(_remembered, kwargs)
    self._trainable = [v for v in variables if v.trainable]
    self._tapes = self._seen_by_tapes()
    self._graph = self._num_operations = None
    if tf.executing_eagerly():
      self._weights = _Weights.now(
          bijector, [*variables, *bijector.variables, *_variables_in(kwargs)])
    else:
      graph = tf.compat.v1.get_default_graph()
      self._graph, self._num_operations = weakref.ref(graph), len(graph.get_operations())
    setattr(_first(y), _MADE_BY, self)
    setattr(_first(x), _GIVEN_TO, weakref.ref(self))

  def is_of(self, bijector, direction):
    return self._bijector() is bijector and self._direction == direction

  def made(self, x):
    parts, outputs = tf.nest.flatten(x), tf.nest.flatten(self.output())
    return len(parts) == len(outputs) and all(a is b for a, b in zip(parts, outputs))

  def was_given(self, x):
    parts, given = tf.nest.flatten(x), tf.nest.flatten(self.input)
    return len(parts) == len(given) and all(a is b for a, b in zip(parts, given))

  def output(self):
    return tf.nest.map_structure(lambda part: part(), self._outputs)

  def is_asked_again(self):
    """Whether the composition that asked for the run asks for it a second time."""
    composition, self._composition = self._composition, None
    now = self._bijector()._num_compositions  # pylint: disable=protected-access
    return composition is not None and composition == now

  def still_holds(self, kwargs):
    """Whether a new run would give the same Tensors' values, to whoever asks now."""
    return (self._same_kwargs(kwargs) and self._variables_are_unchanged()
            and self._seen_by_tapes() == self._tapes)

  def end(self):
    """The log-det is given out; whoever asks next gets a new run."""
    output = _first(self.output())
    if getattr(output, _MADE_BY, None) is self:
      delattr(output, _MADE_BY)

  def _same_kwargs(self, kwargs):
    try:
      tf.nest.assert_same_structure(kwargs, self._kwargs)
    except (TypeError, ValueError):
      return False
    return all(map(_is_same, tf.nest.flatten(kwargs), tf.nest.flatten(self._kwargs)))

  def _seen_by_tapes(self):
    """How many of the active tapes saw each end of the run, and see the Variables that it read."""
    if not private_tf.could_possibly_record():
      return None
    for variable in self._trainable[:1]:
      variable.read_value()  # Now a tape that watches what is read sees one of them.
    ends = [*tf.nest.flatten(self.input), *tf.nest.flatten(self.output())]
    return [*((private_tf.possible_gradient_types([t]), private_tf.num_tapes([t])) for t in ends),
            private_tf.num_tapes([v.handle for v in self._trainable])]

  def _variables_are_unchanged(self):
    if self._graph is None:
      if not tf.executing_eagerly():
        return False
      return self._weights.are_unchanged()
    graph = tf.compat.v1.get_default_graph()
    if tf.executing_eagerly() or self._graph() is not graph:
      return False
    return not any(
        operation.type not in _READS and any(t.dtype == tf.resource for t in operation.inputs)
        for operation in graph.get_operations()[self._num_operations:])


class _Weights:
  """The values of a bijector's Variables, for as long as they are those of its last run.

  Reading shares a Variable's buffer, and an assignment then makes a new one, so that the values
  to compare with cost nothing until there is a change; and after it they are let go at the
  next run, so that many results of many updates do not keep as many weights.
  """

  _latest = weakref.WeakValueDictionary()  # By the bijector's id.

  def __init__(self, variables):
    self._variables = variables
    with private_tf.stop_recording():
      self._values = [tf.identity(v) for v in variables]

  @classmethod
  def now(cls, bijector, variables):
    """Those of a bijector at present."""
    variables = list({id(v): v for v in variables}.values())
    latest = cls._latest.get(id(bijector))
    if latest is not None:
      if list(map(id, latest._variables)) == list(map(id, variables)) and latest.are_unchanged():
        return latest
      latest._values = None
    cls._latest[id(bijector)] = weights = cls(variables)
    return weights

  def are_unchanged(self):
    if self._values is None:
      return False
    with private_tf.stop_recording():
      return all(bool(tf.reduce_all(tf.equal(variable, value)))
                 for variable, value in zip(self._variables, self._values))


def _first(x):
  return tf.nest.flatten(x)[0]


def _remembered(value):
  """A keyword argument; as it is now, where it is an array, which can change."""
  return np.array(value) if isinstance(value, (np.ndarray, int, float)) else value


def _is_same(value, remembered):
  if isinstance(remembered, np.ndarray) and not tf.is_tensor(value):
    return np.array_equal(value, remembered)
  return value is remembered


def _variables_in(kwargs):
  return [value for value in tf.nest.flatten(kwargs) if isinstance(value, tf.Variable)]


def forget_compositions(bijector):
  """Drops what TFP's cache holds of the `Chain`s and other compositions of a bijector.

  TFP looks a composition's results up by a hash of its parts, so a part is asked for its hash
  before anything is looked up, and can see to it that nothing is found. Of the composition's other
  parts, which are TFP's, the value of a direction is dropped that it would give again to the
  same; that of the opposite one stays.

  Args:
    bijector: a `FlowBijector`, whose `_num_compositions` counts the calls of compositions.
  """
  results = private_tfp.cached_results()
  compositions = _compositions_of(bijector, results)
  for result in results:
    if result.bijector in compositions and result.is_finished:
      result.drop()
  if not _is_under_way(compositions, results):
    bijector._num_compositions += 1  # pylint: disable=protected-access
    parts = _ByIdentity(part for composition in compositions for part in _parts(composition))
    for result in results:
      if result.bijector in parts and result.is_finished and result.is_of_its_direction:
        result.drop()


def _composition_of(bijector):
  """The number of the composition's call that is under way, or None."""
  results = private_tfp.cached_results()
  if not _is_under_way(_compositions_of(bijector, results), results):
    return None
  return bijector._num_compositions  # pylint: disable=protected-access


def _is_under_way(compositions, results):
  return any(result.bijector in compositions and not result.is_finished for result in results)


def _compositions_of(bijector, results):
  """Those of which TFP's cache holds anything."""
  return _ByIdentity(
      result.bijector for result in results
      if any(part is bijector for part in _parts(result.bijector)))


def _parts(composition):
  """All bijectors within one, at any depth."""
  parameters = getattr(composition, 'parameters', None) or {}
  for part in tf.nest.flatten(list(parameters.values())):
    if isinstance(part, tfb.Bijector):
      yield part
      yield from _parts(part)


class _ByIdentity:
  """A set of bijectors, which are not asked for their hash."""

  def __init__(self, bijectors):
    self._by_id = {id(b): b for b in bijectors}

  def __contains__(self, bijector):
    return id(bijector) in self._by_id

  def __iter__(self):
    return iter(self._by_id.values())
