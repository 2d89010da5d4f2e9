"""Glow given a context: a vector or an image, embedded at each level, beside labels."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.bijectors import checks
from tfp_glow import bijectors

tfb = tfp.bijectors
tfd = tfp.distributions

_SHAPE = (4, 4, 2)


def make(context_shape=(3,), dtype=tf.float64, **options):
  glow = bijectors.Glow(_SHAPE, dtype=dtype, context_shape=context_shape, **{
      **dict(num_levels=2, depth=2, hidden_channels=4, seed=1), **options})
  return checks.perturb(glow, .1)


class TestGlowGivenAVector(checks.BijectorChecks):
  """All that every bijector must pass, with a context."""

  image_shape = _SHAPE
  bad_images = [((1, 8, 4, 2), r'made for images of the shape \[..., 4, 4, 2\]')]

  def make(self, dtype=tf.float64):
    return checks.Given(make(dtype=dtype), dict(context=checks.normal([3], dtype, seed=9)))


@pytest.mark.parametrize('options', [
    dict(context_shape=(8, 8, 1)), dict(context_shape=(4, 4, 3), reversible=True),
    dict(num_classes=3, condition_couplings=True),
    dict(num_classes=3, coupling='mixture_logistics')], ids=str)
def test_other_contexts(options):
  glow = make(**options)
  x, given = checks.normal([3, *_SHAPE]), {}
  for name, form in glow.conditions.items():
    given[name] = tf.constant([2, 0, 1]) if name == 'labels' else checks.normal(
        [3, *form.event_shape], seed=7)
  z, log_det = glow.inverse_and_log_det(x, **given)
  np.testing.assert_allclose(glow.forward(tf.identity(z), **given), x, rtol=1e-9, atol=1e-9)
  for i in range(3):
    one = {name: value[i] for name, value in given.items()}
    expected = checks.numerical_log_det(functools.partial(glow.inverse, **one), x[i])
    np.testing.assert_allclose(log_det[i], expected, rtol=1e-5, atol=1e-5)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(glow.inverse(x, **given)**2) + tf.reduce_sum(
        glow.inverse_log_det_jacobian(x, event_ndims=3, **given))
  for v, g in zip(glow.trainable_variables, tape.gradient(loss, glow.trainable_variables)):
    assert g is not None and (v.shape.rank > 3 or np.any(g != 0.)), v.name


@pytest.mark.parametrize('reversible', [False, True])
def test_the_context_has_a_gradient(reversible):
  glow = make((4, 4, 1), reversible=reversible)
  x, context = checks.normal([2, *_SHAPE]), checks.normal([2, 4, 4, 1], seed=5)
  loss = lambda context: tf.reduce_sum(glow.inverse(x, context=context)**2)
  with tf.GradientTape() as tape:
    tape.watch(context)
    value = loss(context)
  gradient = tape.gradient(value, context)
  step = np.zeros(context.shape)
  step[1, 2, 3, 0] = 1e-6
  np.testing.assert_allclose(
      gradient[1, 2, 3, 0], (loss(context + step) - loss(context - step)) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize('batch', [(2, 3), (3,), (1, 3), (2, 1), ()], ids=str)
def test_conditions_broadcast_with_images(batch):
  glow = make(num_classes=3, condition_couplings=True)
  x = checks.normal([2, 3, *_SHAPE])
  context = checks.normal([*batch, 3], seed=4)
  labels = tf.cast(tf.reshape(tf.range(np.prod(batch, dtype=int)), batch), tf.int32) % 3
  z, log_det = glow.inverse_and_log_det(x, context=context, labels=labels)
  assert z.shape == (2, 3, 32) and log_det.shape == (2, 3)
  full = lambda value, rank: np.broadcast_to(value, [2, 3, *value.shape[len(value.shape) - rank:]])
  contexts, all_labels = full(context, 1), full(labels, 0)
  for i in range(2):
    for j in range(3):
      one, of_one = glow.inverse_and_log_det(
          x[i, j], context=contexts[i, j], labels=all_labels[i, j])
      np.testing.assert_allclose(z[i, j], one, rtol=1e-9, atol=1e-9)
      np.testing.assert_allclose(log_det[i, j], of_one, rtol=1e-9, atol=1e-9)


def test_images_broadcast_with_conditions():
  glow, x, context = make(), checks.normal(_SHAPE), checks.normal([4, 3], seed=4)
  z = glow.inverse(x, context=context)
  assert z.shape == (4, 32)
  np.testing.assert_allclose(z[2], glow.inverse(x, context=context[2]), rtol=1e-9)


@pytest.mark.parametrize('in_chain', [False, True])
def test_in_a_distribution(in_chain):
  glow = make(num_classes=3)
  bijector = tfb.Chain([tfb.Scale(tf.constant(2., tf.float64)), glow]) if in_chain else glow
  one = tf.ones([], tf.float64)
  d = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0. * one, one), [32]), bijector)
  given = dict(context=checks.normal([3, 3], seed=4), labels=tf.constant([0, 1, 2]))
  kwargs = {glow.name: given} if in_chain else given
  samples = d.sample((5, 3), seed=[0, 1], bijector_kwargs=kwargs)
  assert samples.shape == (5, 3, *_SHAPE)
  log_prob = d.log_prob(samples, bijector_kwargs=kwargs)
  assert log_prob.shape == (5, 3)
  alone = {name: value[1] for name, value in given.items()}
  np.testing.assert_allclose(
      log_prob[4, 1], d.log_prob(
          samples[4, 1], bijector_kwargs={glow.name: alone} if in_chain else alone), rtol=1e-9)


def test_batch_sizes_that_are_known_late():
  glow = make()
  x, context = checks.normal([4, *_SHAPE]), checks.normal([4, 3], seed=4)
  late = tf.function(
      lambda x, context: glow.inverse(x, context=context),
      input_signature=[tf.TensorSpec([None, *_SHAPE], tf.float64),
                       tf.TensorSpec([None, 3], tf.float64)])
  np.testing.assert_allclose(late(x, context), glow.inverse(x, context=context), rtol=1e-9)
  np.testing.assert_allclose(
      late(x, context[:1]), glow.inverse(x, context=context[0]), rtol=1e-9)
  with pytest.raises(tf.errors.InvalidArgumentError, match='ncompatible shapes'):
    late(x, context[:3])


def test_xla_with_a_context():
  glow = make((4, 4, 1), num_levels=1)
  x, context = checks.normal([2, *_SHAPE]), checks.normal([2, 4, 4, 1], seed=4)
  both = lambda x: glow.inverse_and_log_det(x, context=context)
  for got, expected in zip(tf.function(both, jit_compile=True)(x), both(x)):
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_each_level_embeds_the_context_once():
  glow = make(depth=3)
  graph = tf.function(lambda x, c: glow.inverse(x, context=c)).get_concrete_function(
      tf.TensorSpec([2, *_SHAPE], tf.float64), tf.TensorSpec([2, 3], tf.float64)).graph
  embeddings = [op for op in graph.get_operations()
                if op.type == 'MatMul' and op.inputs[0].shape[-1] == 3]
  assert len(embeddings) == 2  # Outside the loop over the steps.


def test_user_mistakes():
  glow, x = make(), checks.normal([2, *_SHAPE])
  context = checks.normal([2, 3])
  for given, message in (
      (dict(), 'glow: the condition context is missing; pass context='),
      (dict(context=None), 'glow: the condition context is missing'),
      (dict(context=context, labels=[0, 1]), 'the condition labels is not known; it takes context'),
      (dict(context=context[:, :2]), r'context must have the shape \[..., 3\], got \(2, 2\)'),
      (dict(context=checks.normal([4, 3])), r'context has the batch shape \(4,\), which does not'),
      (dict(context='upper'), 'the condition context must be float64, got string')):
    with pytest.raises(ValueError, match=message):
      glow.inverse(x, **given)
  with pytest.raises(ValueError, match='context_shape must be .* got'):
    make((3, 3))
  with pytest.raises(ValueError, match='it takes none'):
    bijectors.ActNorm.trainable(2).inverse(tf.zeros([1, 2, 2, 2]), context=1.)


@pytest.mark.parametrize('changes', [
    dict(depth=5), dict(learn_top=False), dict(coupling='additive'), dict(no_such_thing=1)],
                         ids=str)
def test_a_copy_refuses_what_it_cannot_change(changes):
  with pytest.raises(ValueError, match=f'cannot change {next(iter(changes))}'):
    make().copy(**changes)


def test_a_copy_can_be_reversible():
  glow, context = make(), checks.normal([3])
  copy = glow.copy(reversible=True)
  assert all(level.reversible for level in copy.levels)
  assert not any(level.reversible for level in glow.levels)
  assert sorted(map(id, copy.variables)) == sorted(map(id, glow.variables))
  x = checks.normal([2, *_SHAPE])
  np.testing.assert_allclose(
      copy.inverse(x, context=context), glow.inverse(x, context=context), rtol=1e-12)


def test_depth_and_levels_leave_other_weights_as_they_are():
  """Streams by level, step and layer: nothing of one seed is another seed's."""
  make_one = lambda **options: bijectors.Glow(
      (8, 8, 1), **{**dict(num_levels=2, depth=2, hidden_channels=4), **options})
  values = lambda **options: [v.numpy() for v in make_one(**options).levels[1].variables]
  for one, other in zip(values(), values(num_levels=3)):
    np.testing.assert_array_equal(one, other)
  deeper = bijectors.Glow((8, 8, 1), num_levels=2, depth=3, hidden_channels=4)
  plain = bijectors.Glow((8, 8, 1), num_levels=2, depth=2, hidden_channels=4)
  kernels = lambda glow, i: [w.numpy() for w in glow.levels[i].coupling_weights
                             if w.name.startswith('kernel')]
  for one, other in zip(kernels(plain, 0), kernels(deeper, 0)):
    np.testing.assert_array_equal(one, other[:2])
  seen = set()
  for seed in range(3):
    glow = bijectors.Glow((8, 8, 1), num_levels=2, depth=2, hidden_channels=4, seed=seed)
    for level in glow.levels:
      for stack in [w for w in level.coupling_weights if np.any(w.numpy())]:
        for k in range(2):
          seen.add(stack.numpy()[k].tobytes())
  assert len(seen) == 3 * 2 * 2 * 2
