"""One step: the same on one device and on two, and harmless when it is bad."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import data
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import trained
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step

_NO_STOP = 0.


def _start(cluster, source, config):
  """A state after data-dependent initialisation, and the batches."""
  state = state_lib.TrainState(
      cluster, lambda: trained.make_model(config, source.image_shape), config.optimizer,
      config.seed)
  batches = cluster.distribute(lambda index, count: data.train_batches(
      source, batch_size=config.batch_size, seed=config.seed, shard_index=index,
      num_shards=count))
  batches = [batch['image'] for _, batch in zip(range(6), batches)]

  @tf.function
  def noise(images):
    return cluster.strategy.run(
        lambda i: noise_lib.replica_noise(config.seed, 0, i, cluster.num_replicas), (images,))

  state.initialize(batches[0], noise(batches[0]))
  return state, batches


def _values(variables):
  return [variable.numpy() for variable in variables]


def _train(cluster, source, config):
  state, batches = _start(cluster, source, config)
  initial = _values(state.model.trainable_variables)
  step = train_step.make_train_step(cluster, state, config)
  for images in batches:
    step(images, tf.constant(_NO_STOP))
  return state, initial


@pytest.fixture(name='trained_by', scope='module')
def fixture_trained_by(source):
  """What `_train` makes on a cluster, in a graph or under XLA, once for each."""
  @functools.cache
  def trained_by(cluster, jit_compile):
    # SGD: Adam divides near-zero gradients by themselves and magnifies rounding. The
    # norm is limited to what every step exceeds, so the order of clipping shows.
    return _train(cluster(), source, tiny.config(
        optimizer__name='sgd', optimizer__learning_rate=.05, optimizer__clip_norm=.2,
        jit_compile=jit_compile))

  return trained_by


@pytest.mark.parametrize('jit_compile', [False, True], ids=['graph', 'xla'])
def test_one_device_and_two_agree(trained_by, jit_compile):
  one, initial_one = trained_by(tiny.one_device, jit_compile)
  two, initial_two = trained_by(tiny.two_devices, jit_compile)
  for a, b in zip(initial_one, initial_two):
    np.testing.assert_allclose(a, b, atol=1e-5)
  moved = 0
  for a, b, first in zip(one.model.trainable_variables, two.model.trainable_variables,
                         initial_one):
    np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)
    first_replica, second_replica = two_values = [v.numpy() for v in b.values]
    assert first_replica.tobytes() == second_replica.tobytes(), two_values
    moved += np.any(a.numpy() != first)
  assert moved == len(initial_one), 'every weight moves'
  assert float(one.progress.window_grad_norm) > .2
  for name in ('window_bpd', 'window_grad_norm', 'first_bpd', 'rise_bpd'):
    first, second = [float(getattr(state.progress, name)) for state in (one, two)]
    assert first == pytest.approx(second, rel=1e-5)
  for a, b in zip(one.average.trainable_variables, two.average.trainable_variables):
    np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)


def test_xla_agrees_with_the_graph(trained_by):
  runs = [trained_by(tiny.one_device, jit_compile) for jit_compile in (False, True)]
  (graph, initial), (compiled, _) = runs
  for a, b in zip(graph.model.trainable_variables, compiled.model.trainable_variables):
    np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-4)
  assert any(np.abs(v.numpy() - first).max() > 1e-3
             for v, first in zip(graph.model.trainable_variables, initial))
  first, second = [float(state.progress.window_bpd) for state, _ in runs]
  assert first == pytest.approx(second, rel=1e-4)


def test_equals_a_step_written_out(source):
  config = tiny.config(optimizer__name='sgd', optimizer__learning_rate=.1, optimizer__clip_norm=0.,
                       optimizer__warmup_steps=0, optimizer__schedule='constant')
  cluster = tiny.one_device()
  state, batches = _start(cluster, source, config)
  weights = state.model.trainable_variables
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(state.model.bits_per_dim(
        batches[0], noise_lib.batch_noise(config.seed, 0, batches[0].shape)))
  expected = [w - .1 * g for w, g in zip(weights, tape.gradient(loss, weights))]
  train_step.make_train_step(cluster, state, config)(batches[0], tf.constant(_NO_STOP))
  for weight, value in zip(weights, expected):
    np.testing.assert_allclose(weight.numpy(), value, atol=1e-6)
  assert float(state.progress.window_bpd) == pytest.approx(float(loss), rel=1e-6)
  assert float(state.progress.first_bpd) == pytest.approx(float(loss), rel=1e-6)


@tf.custom_gradient
def _infinite_gradient(x):
  return x, lambda upstream: upstream * float('inf')


_FAULTS = [
    lambda bits: bits, lambda bits: bits,
    lambda bits: bits * float('nan'), lambda bits: bits + float('inf'), _infinite_gradient,
    lambda bits: bits]


@pytest.mark.parametrize('cluster', [tiny.one_device, tiny.two_devices])
def test_a_bad_step_touches_nothing(source, monkeypatch, cluster):
  cluster, config = cluster(), tiny.config()
  state, batches = _start(cluster, source, config)
  progress, bits_per_dim = state.progress, state.model.bits_per_dim

  def faulty(images, noise, **conditions):
    bits = bits_per_dim(images, noise, **conditions)
    return tf.switch_case(
        tf.cast(progress.step, tf.int32), [lambda f=f: f(bits) for f in _FAULTS])

  monkeypatch.setattr(state.model, 'bits_per_dim', faulty)
  step = train_step.make_train_step(cluster, state, config)
  counts, saved = [], {}
  for number, images in enumerate(batches):
    step(images, tf.constant(_NO_STOP))
    saved[number] = _values(state.weights())
    counts.append((int(progress.bad_run), int(progress.window_good), int(progress.window_bad)))
  assert counts == [(0, 1, 0), (0, 2, 0), (1, 2, 1), (2, 2, 2), (3, 2, 3), (0, 3, 3)]
  assert int(progress.step) == 6 and int(progress.last_bad_step) == 4
  assert int(state.optimizer.iterations.numpy()) == 3
  for before, *during, after in zip(*(saved[number] for number in (1, 2, 3, 4, 5))):
    assert all(before.tobytes() == value.tobytes() for value in during)
    assert np.all(np.isfinite(after))
  assert any(a.tobytes() != b.tobytes() for a, b in zip(saved[4], saved[5]))
  assert all(np.isfinite(float(v)) for v in (progress.window_bpd, progress.window_grad_norm))


def test_slots_are_the_optimizers(source):
  config = tiny.config()
  state, _ = _start(tiny.one_device(), source, config)
  # Iterations, the learning rate and two moments a weight.
  assert len(state.optimizer.variables) == 2 + 2 * len(state.model.trainable_variables)
