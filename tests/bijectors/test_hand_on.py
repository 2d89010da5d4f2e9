"""No result of before is ever an answer: values after an update, tapes, graphs, conditions, memory.

Through the bijector itself, a Chain of TFP, an Invert and a distribution, one network run each.
"""

import contextlib
import functools
import gc

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers
from tfp_glow.private import tfp as private_tfp

tfb = tfp.bijectors
tfd = tfp.distributions

_SHAPE = (4, 4, 2)


def _flow():
  """A flow whose networks are counted, in `flow.runs`, as they are run or traced."""
  runs = []

  class Counting(layers.ConvNet):
    def call(self, x):
      runs.append(1)
      return super().call(x)

  flow = bijectors.Glow(_SHAPE, num_levels=1, depth=1, dtype=tf.float64,
                        network=functools.partial(Counting, hidden_channels=4))
  checks.perturb(flow, .1)
  flow.runs = flow._no_dependency(runs)
  return flow


def _chain(flow):
  return tfb.Chain([tfb.Scale(tf.constant(2., tf.float64)), flow])


def _distribution(bijector):
  one = tf.ones([], tf.float64)
  return tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0. * one, one), [32]), bijector)


_OWNERS = {
    'flow': lambda flow: flow, 'chain': _chain,
    'chain of chains': lambda flow: tfb.Chain([_chain(flow)]),
    'invert': lambda flow: tfb.Invert(tfb.Invert(flow))}


@pytest.fixture(name='owner', params=_OWNERS)
def fixture_owner(request):
  flow = _flow()
  owner = _OWNERS[request.param](flow)
  return flow, owner, _distribution(owner)


def _in_graphs(*owners):
  """All owners in eager mode, and in a graph, which takes long to trace, those that are named."""
  return pytest.mark.parametrize(
      'owner, traced', [*((name, False) for name in _OWNERS), *((name, True) for name in owners)],
      indirect=['owner'], ids=lambda value: {True: 'graph', False: 'eager'}.get(value, value))


def _updated(variables):
  for v in variables:
    v.assign_add(tf.constant(.05, v.dtype) * tf.ones_like(v))


@_in_graphs('flow', 'chain of chains')
def test_values_follow_an_update(owner, traced):
  flow, owner, d = owner
  x, z = checks.normal([2, *_SHAPE]), checks.normal([2, 32])

  def all_values(x, z):
    return (d.log_prob(x), owner.inverse(x), owner.forward(z),
            owner.inverse_log_det_jacobian(x, event_ndims=3),
            owner.forward_log_det_jacobian(z, event_ndims=1))

  def program(x, z):
    before = all_values(x, z)
    _updated(flow.trainable_variables)
    return before, all_values(x, z)

  before, after = (tf.function(program) if traced else program)(x, z)
  for old, new, true in zip(before, after, all_values(tf.identity(x), tf.identity(z))):
    np.testing.assert_allclose(new, true, rtol=1e-9)
    assert np.all(np.abs(old - new) > 1e-6)


def test_a_log_det_follows_an_update_between_it_and_its_value(owner):
  flow, owner, _ = owner

  def program(x):
    z = owner.inverse(x)
    _updated(flow.trainable_variables)
    return z, owner.forward_log_det_jacobian(z, event_ndims=1)

  for run in (program, tf.function(program)):
    z, log_det = run(checks.normal([2, *_SHAPE]))
    np.testing.assert_allclose(
        log_det, owner.forward_log_det_jacobian(tf.identity(z), event_ndims=1), rtol=1e-9)


@_in_graphs('chain', 'chain of chains')
def test_one_run_each(owner, traced):
  flow, owner, d = owner
  x = checks.normal([2, *_SHAPE])
  wrap = tf.function if traced else lambda f: f

  def gradient():
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(d.log_prob(x))
    return tape.gradient(loss, flow.trainable_variables)

  calls = [lambda: d.log_prob(x), lambda: d.sample(2, seed=[0, 1]), gradient]
  if not any(hasattr(part, 'bijectors') for part in getattr(owner, 'bijectors', [])):
    # A Chain in a Chain is called once more for the log-det.
    calls.append(lambda: d.experimental_sample_and_log_prob(2, seed=[0, 1]))
  for call in calls:
    flow.runs.clear()
    wrap(call)()
    assert len(flow.runs) == 1, call


@_in_graphs('chain of chains')
def test_gradients_under_a_second_tape(owner, traced):
  flow, _, d = owner
  x = checks.normal([2, *_SHAPE])
  variables = flow.trainable_variables

  def penalty(x):
    with tf.GradientTape() as outer:
      log_prob = d.log_prob(x)
      with tf.GradientTape() as inner:
        inner.watch(x)
        again = d.log_prob(x)
      score = inner.gradient(again, x)
      loss = tf.reduce_sum(score**2) - tf.reduce_sum(log_prob)
    return score, outer.gradient(loss, variables)

  with tf.GradientTape() as tape:
    tape.watch(x)
    alone = d.log_prob(x)
  expected = tape.gradient(alone, x)
  score, gradients = (tf.function(penalty) if traced else penalty)(x)
  np.testing.assert_allclose(score, expected, rtol=1e-9)
  assert all(g is not None for g in gradients)


@pytest.mark.parametrize('outer, traced', [
    ('persistent', False), ('two', False), ('watching', False), ('two', True)])
def test_gradients_under_one_more_tape(outer, traced):
  """However many there are already, and whatever the new one watches."""
  flow = _flow()
  x = checks.normal([2, *_SHAPE])
  [chosen] = [v for v in flow.trainable_variables if v.name.endswith('log_s:0')]

  def gradients(x):
    with tf.GradientTape(persistent=outer == 'persistent') as tape, contextlib.ExitStack() as stack:
      tape.watch(x)
      if outer == 'two':
        stack.enter_context(tf.GradientTape())
      z = flow.inverse(x)
      y = flow.forward(checks.normal([2, 32]))
      with tf.GradientTape() as all_read:
        log_det = flow.inverse_log_det_jacobian(x, event_ndims=3)
      with tf.GradientTape(watch_accessed_variables=False) as one_read:
        one_read.watch(chosen)
        again = flow.forward_log_det_jacobian(z, event_ndims=1)
      with tf.GradientTape() as ends:
        ends.watch(y)
        latent = tf.reduce_sum(flow.inverse(y)**2)
    return [all_read.gradient(log_det, chosen), one_read.gradient(again, chosen),
            ends.gradient(latent, y)]

  got = (tf.function(gradients) if traced else gradients)(x)
  z = tf.identity(flow.inverse(x))
  with tf.GradientTape(persistent=True) as tape:
    log_det = flow.inverse_log_det_jacobian(tf.identity(x), event_ndims=3)
    again = flow.forward_log_det_jacobian(z, event_ndims=1)
  np.testing.assert_allclose(got[0], tape.gradient(log_det, chosen), rtol=1e-9)
  np.testing.assert_allclose(got[1], tape.gradient(again, chosen), rtol=1e-9)
  y = flow.forward(checks.normal([2, 32]))
  with tf.GradientTape() as tape:
    y = tf.identity(y)
    tape.watch(y)
    latent = tf.reduce_sum(flow.inverse(tf.identity(y))**2)
  np.testing.assert_allclose(got[2], tape.gradient(latent, y), rtol=1e-9)


@pytest.mark.parametrize('trainable', [True, False])
def test_values_follow_what_a_traced_conditioner_reads(trainable):
  scale = tf.Variable(1., dtype=tf.float64, trainable=trainable)
  coupling = bijectors.AdditiveCoupling(tf.function(lambda x: scale * x, autograph=False))
  x = checks.normal([2, 2, 2, 4])
  for _ in range(2):  # The second time without a trace.
    z = coupling.inverse(x)
    scale.assign_add(1.)
    back = coupling.forward(z)
    np.testing.assert_allclose(back[..., 2:] - x[..., 2:], -x[..., :2], rtol=1e-9)


def test_a_value_from_outside_a_tape_has_a_log_det_with_gradients(owner):
  flow, owner, _ = owner
  z = owner.inverse(checks.normal([2, *_SHAPE]))
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(owner.forward_log_det_jacobian(z, event_ndims=1))
  assert any(g is not None for g in tape.gradient(loss, flow.trainable_variables))


@pytest.mark.parametrize('owner', ['flow', 'chain of chains'], indirect=True)
def test_branches_and_loops(owner):
  _, _, d = owner
  x = checks.normal([2, *_SHAPE])
  once = d.log_prob(x)
  branched = tf.function(lambda x: tf.cond(
      tf.reduce_sum(x) > 1e9, lambda: d.log_prob(x), lambda: 2. * d.log_prob(x)))
  np.testing.assert_allclose(branched(x), 2. * once)
  looped = tf.function(lambda x: tf.while_loop(
      lambda i, s: i < 3, lambda i, s: (i + 1, s + d.log_prob(x)),
      (0, tf.zeros([2], tf.float64)))[1] + d.log_prob(x))
  np.testing.assert_allclose(looped(x), 4. * once)


@pytest.mark.parametrize('owner', ['flow', 'chain of chains'], indirect=True)
def test_initialize_between_two_calls(owner):
  flow, _, d = owner
  x = checks.normal([8, *_SHAPE])

  @tf.function
  def program(x):
    before = d.log_prob(x)
    flow.initialize(x / 2.)
    return before, d.log_prob(x)

  before, after = program(x)
  np.testing.assert_allclose(after, d.log_prob(tf.identity(x)), rtol=1e-9)
  assert np.all(before != after)


def test_conditions_that_change():
  shift = tf.Variable(1., dtype=tf.float64)
  coupling = bijectors.AdditiveCoupling(lambda x, by: x + shift * by)
  x, by = checks.normal([2, 2, 2, 4]), tf.Variable(2., dtype=tf.float64)
  for change in (by, shift):
    first = coupling.inverse(x, by=by)
    change.assign_add(1.)
    second = coupling.inverse(x, by=by)
    np.testing.assert_allclose(second[..., 2:] - x[..., 2:] - x[..., :2], float(shift * by))
    assert np.any(first != second)
  array = np.array(3.)
  z = coupling.inverse(x, by=array)
  array += 1.
  np.testing.assert_allclose(
      coupling.forward(z, by=array),
      coupling.forward(tf.identity(z), by=tf.constant(4., tf.float64)))


def test_nothing_is_kept_longer_than_its_tensors(owner):
  _, owner, d = owner
  x = checks.normal([2, *_SHAPE])
  d.log_prob(x)
  gc.collect()
  before = len(private_tfp.cached_results())
  for _ in range(5):
    d.log_prob(x)
    d.sample(1, seed=[0, 1])
    owner.inverse(x)
  gc.collect()
  # A composition's last call stays until its next one.
  assert len(private_tfp.cached_results()) <= before + 4


def test_results_of_many_updates_do_not_keep_as_many_weights():
  flow = _flow()
  results, weights = [], []
  for _ in range(4):
    results.append(flow.forward(checks.normal([1, 32])))
    weights.append(getattr(results[-1], '_tfp_glow_made_by')._weights)  # pylint: disable=protected-access
    _updated(flow.trainable_variables)
  assert [w._values is None for w in weights] == [True, True, True, False]  # pylint: disable=protected-access


def test_the_opposite_direction_gives_the_very_value_back():
  flow = _flow()
  z = checks.normal([2, 32])
  x = flow.forward(z)
  flow.runs.clear()
  assert flow.inverse(x) is z and not flow.runs
  assert flow.inverse(tf.identity(x)) is not z and flow.runs


def test_equality_is_identity_and_a_flow_is_a_key():
  one, other = _flow(), _flow()
  assert one != other and one == one
  assert {one: 1, other: 2}[one] == 1
