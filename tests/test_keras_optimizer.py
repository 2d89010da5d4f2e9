"""Optimizers, compile options and dtype policies: each trains as by hand, or is refused."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_keras
from tests.tiny_keras import RATE, assert_close, fit, images, make, values
from tfp_glow import distributions
from tfp_glow import keras_image_model
from tfp_glow import keras_optimizer
from tfp_glow.distributions import noise as noise_lib

_STEPS = 4
_SGD = functools.partial(keras.optimizers.SGD, RATE)


def batches():
  return images()[:_STEPS * 7]


def gradients(distribution, number):
  """Those of a batch, by its number."""
  model = distributions.ImageModel(distribution)
  x = batches()[7 * number:7 * (number + 1)]
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(model.bits_per_dim(x, noise_lib.batch_noise(0, number, x.shape)))
  return tape.gradient(loss, distribution.trainable_variables)


def by_hand(optimizer, dtype=tf.float32):
  """The Variables after an optimizer was given the gradients of each batch."""
  flow, _ = make(functools.partial(tiny_keras.light, dtype=dtype))
  for number in range(_STEPS):
    optimizer.apply(gradients(flow, number), flow.trainable_variables)
  optimizer.finalize_variable_values(flow.trainable_variables)
  return values(flow)


def by_keras(compile_with, strategy=None, dtype=tf.float32, **options):
  flow, model = make(functools.partial(tiny_keras.light, dtype=dtype), strategy,
                     compile_with=compile_with, **options)
  fit(model, batches(), batch_size=7)
  return values(flow)


@pytest.fixture(name='policy')
def fixture_policy():
  """Sets Keras' dtype policy, until the test ends."""
  before = keras.config.dtype_policy()
  yield keras.config.set_dtype_policy
  keras.config.set_dtype_policy(before)


@pytest.fixture(name='plain', scope='module')
def fixture_plain():
  return by_hand(_SGD())


_SCHEDULE = dict(learning_rate=keras.optimizers.schedules.ExponentialDecay(RATE, 2, .5))


@pytest.mark.parametrize('options', [
    dict(clipnorm=.1), dict(clipvalue=.01), dict(global_clipnorm=.1), dict(weight_decay=.1),
    dict(use_ema=True, ema_momentum=.6),
    dict(use_ema=True, ema_momentum=.6, ema_overwrite_frequency=2), _SCHEDULE,
    dict(learning_rate=lambda: RATE / 2), dict(momentum=.9, nesterov=True),
    dict(gradient_accumulation_steps=2),
    dict(gradient_accumulation_steps=2, global_clipnorm=.1, use_ema=True)],
    ids=lambda options: ' '.join(options))
def test_options_of_optimizers(plain, policy, options):
  make_optimizer = lambda: keras.optimizers.SGD(**{'learning_rate': RATE, **options})
  expected = by_hand(make_optimizer())
  assert max(np.abs(a - b).max() for a, b in zip(expected, plain)) > 1e-4
  assert_close(by_keras(make_optimizer, run_eagerly=True), expected, 1e-6)
  policy('mixed_float16')  # Keras scales the loss.
  assert_close(by_keras(make_optimizer, run_eagerly=True), expected, 1e-6)


@pytest.mark.parametrize('make_optimizer', [
    lambda: _SGD(loss_scale_factor=1024.),
    lambda: keras.optimizers.LossScaleOptimizer(_SGD()),
    # Doubled after each step.
    lambda: keras.optimizers.LossScaleOptimizer(_SGD(), 4., dynamic_growth_steps=1),
], ids=['fixed', 'dynamic', 'growing'])
def test_a_scaled_loss_trains_the_same(plain, make_optimizer):
  assert_close(by_keras(make_optimizer, run_eagerly=True), plain, 1e-6)


@pytest.mark.parametrize('name', [
    'float32', 'float64', 'mixed_float16', 'mixed_bfloat16', 'float16', 'bfloat16'])
def test_no_policy_changes_what_is_learnt(plain, policy, name):
  policy(name)
  flow, model = make(compile_with=_SGD, run_eagerly=True)
  scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
  assert scales == (name == 'mixed_float16')
  fit(model, batches(), batch_size=7)
  assert_close(values(flow), plain, 1e-6)
  x = images()[:3]
  noise = noise_lib.noise_of_images(noise_lib.EVALUATION_SEED, tf.range(3), x.shape[1:])
  expected = model.image_model.bits_per_dim(x, noise)
  for found in (model(x), model.predict(x, verbose=0)):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_no_policy_casts_conditions(policy):
  policy('mixed_float16')
  form = tiny_keras.everything()
  _, model = make(tiny_keras.with_context, start=form, run_eagerly=True)
  np.testing.assert_allclose(model(form), model.predict(form, verbose=0), rtol=1e-6)


@pytest.mark.parametrize('name', ['float32', 'mixed_float16'])
def test_a_flow_of_float64(policy, name):
  policy(name)
  found = by_keras(_SGD, dtype=tf.float64, run_eagerly=True)
  assert any(v.dtype == np.float64 for v in found)
  assert_close(found, by_hand(_SGD(), tf.float64), 1e-12)


@pytest.mark.parametrize('options', [
    dict(steps_per_execution=3), dict(jit_compile=True), dict(jit_compile=False),
    dict(jit_compile='auto'), dict(auto_scale_loss=False), dict(run_eagerly=True),
    dict(run_eagerly=True, jit_compile=True)], ids=str)
def test_options_of_compile(plain, policy, options):
  policy('mixed_float16')
  flow, model = make(compile_with=_SGD, **options)
  assert hasattr(model._gradients, 'function_spec') == (options == dict(jit_compile=True))
  scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
  assert scales == options.get('auto_scale_loss', True)
  fit(model, batches(), batch_size=7)
  assert_close(values(flow), plain, 1e-6)


def test_two_replicas_equal_one(mirrored):
  options = dict(global_clipnorm=.1, weight_decay=.1, use_ema=True, ema_momentum=.6)
  found = by_keras(lambda: keras.optimizers.LossScaleOptimizer(_SGD(**options)), mirrored,
                   jit_compile=True)
  assert_close(found, by_hand(_SGD(**options)), 1e-6)


def test_all_replicas_see_what_is_not_finite(mirrored):
  with mirrored.scope():
    optimizer = keras.optimizers.LossScaleOptimizer(_SGD())

  def reduced():
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return keras_optimizer.reduced(
        optimizer, [tf.where(replica == 1, np.inf, 1.), tf.constant(2.)])

  first, second = [mirrored.experimental_local_results(value) for value in mirrored.run(reduced)]
  assert not np.isfinite(first[0]) and not np.isfinite(first[1])
  assert [float(v) for v in second] == [4., 0.]


def test_what_cannot_be_is_refused_in_one_line(mirrored, policy):
  def compiled(strategy=tf.distribute.get_strategy(), optimizer=_SGD, **options):
    with strategy.scope():
      keras_image_model.keras_model(tiny_keras.light()).compile(optimizer(), **options)

  outside = _SGD()
  for mistake, message in (
      (lambda: compiled(loss='mse'), "loss='mse'; leave loss out"),
      (lambda: compiled(metrics=['mae']), 'leave metrics out'),
      (lambda: compiled(weighted_metrics=['mae']), 'leave weighted_metrics out'),
      (lambda: compiled(loss_weights=[2.]), 'leave loss_weights out'),
      (lambda: compiled(optimizer=lambda: None), 'needs an optimizer, got None'),
      (lambda: compiled(mirrored, lambda: outside), 'outside the scope'),
      (lambda: compiled(mirrored, steps_per_execution=2), 'steps_per_execution=2.*has 2; leave'),
      (lambda: compiled(mirrored, lambda: _SGD(gradient_accumulation_steps=2)),
       'gradient_accumulation_steps=2.*has 2; leave it out'),
      (lambda: compiled(mirrored, lambda: _SGD(use_ema=True, ema_overwrite_frequency=3)),
       'ema_overwrite_frequency=3.*leave it out')):
    for name in ('float32', 'mixed_float16'):
      policy(name)
      with pytest.raises(ValueError, match=message) as error:
        mistake()
      assert '\n' not in str(error.value)
