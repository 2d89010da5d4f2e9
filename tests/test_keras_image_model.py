"""The Keras model: every weight trained once, the custom loop's loss, callbacks, replicas."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import tiny_run as tiny
from tfp_glow import bijectors
from tfp_glow import distributions
from tfp_glow import evaluation
from tfp_glow import keras_image_model
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import trained
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step

tfd = tfp.distributions

BATCH = 8
NUM_IMAGES = 29  # A last batch of 5, which does not divide by two replicas.
NUM_EVALUATED = 17  # A last batch of 1: one of two replicas gets nothing.
RATE = .05
CLIP = .2  # Less than any gradient's norm here.


def images():
  return tiny.MemorySource().arrays('train')[0].numpy()[:NUM_IMAGES]


def distribution(seed=0, num_levels=1):
  return distributions.flow_distribution(bijectors.Glow(
      (8, 8, 1), num_levels=num_levels, depth=2, hidden_channels=8, seed=seed))


def optimizer(**kwargs):
  return keras.optimizers.SGD(RATE, global_clipnorm=CLIP, **kwargs)


def make(strategy=None, seed=0, num_levels=1, initialize=True, compile_with=optimizer, **options):
  """A distribution and its compiled Keras model."""
  with (strategy or tf.distribute.get_strategy()).scope():
    flow = distribution(seed, num_levels)
    model = keras_image_model.keras_model(flow)
    if initialize:
      model.initialize(images())
    model.compile(compile_with(), **options)
  return flow, model


def fit(model, x=None, **kwargs):
  x = images() if x is None else x
  options = dict(batch_size=BATCH, shuffle=False, verbose=0)
  if isinstance(x, tf.data.Dataset):
    options = dict(verbose=0)
  return model.fit(x, **{**options, **kwargs}).history


def values(module):
  return [v.numpy() for v in module.variables]


def assert_close(left, right, atol=1e-5):
  assert len(left) == len(right)
  for a, b in zip(left, right):
    np.testing.assert_allclose(a, b, atol=atol)


def assert_equal(left, right):
  assert [v.tobytes() for v in left] == [v.tobytes() for v in right]


@pytest.fixture(scope='module')
def one_device():
  """What two epochs and an evaluation give on one device."""
  flow, model = make()
  initial = values(flow)
  history = fit(model, epochs=2, validation_data=(images()[:NUM_EVALUATED],),
                validation_batch_size=BATCH)
  return dict(initial=initial, history=history, weights=values(flow), model=model)


def test_has_every_variable_once_and_fit_moves_the_trainable_ones():
  flow, model = make(num_levels=2)
  held = [id(w.value) for w in model.weights]
  assert sorted(held) == sorted(id(v) for v in flow.variables)
  assert len(set(held)) == len(held)
  assert {id(w.value) for w in model.trainable_weights} == {
      id(v) for v in flow.trainable_variables}
  before = values(flow)
  losses = fit(model, images()[:3 * BATCH], epochs=2)['loss']
  assert losses[1] < losses[0]
  for variable, value in zip(flow.variables, before):
    assert np.any(variable.numpy() != value) == variable.trainable, variable.name


def test_agrees_with_the_training_program():
  config = tiny.config(
      optimizer__name='sgd', optimizer__learning_rate=RATE, optimizer__clip_norm=CLIP,
      optimizer__schedule='constant', optimizer__warmup_steps=0, batch_size=BATCH,
      model__num_levels=1)
  cluster, x = tiny.one_device(), images()[:3 * BATCH]
  make_model = lambda: trained.make_model(config, (8, 8, 1))
  state = state_lib.TrainState(cluster, make_model, config.optimizer, config.seed)
  state.initialize(x, noise_lib.batch_noise(config.seed, 0, x.shape))
  step = train_step.make_train_step(cluster, state, config)

  with tf.distribute.get_strategy().scope():
    image_model = make_model()
    model = keras_image_model.keras_model(image_model, seed=config.seed)
    model.initialize(x)
    model.compile(optimizer())
  assert_close(values(image_model), values(state.model), 1e-6)
  loss, = fit(model, x)['loss']
  for batch in np.split(x, 3):
    step(tf.constant(batch), tf.constant(0.))
  assert loss == pytest.approx(float(state.progress.window_bpd) / 3, abs=1e-5)
  assert_close(values(image_model), values(state.model), 1e-6)

  source = tiny.MemorySource()
  test_images = source.arrays('test')[0]
  evaluated = evaluation.Evaluator(cluster, state.model, source, 16, 1)()['eval_bpd']
  assert model.evaluate(test_images, batch_size=16, verbose=0) == pytest.approx(
      evaluated, abs=1e-5)


def test_two_replicas_equal_one_device(one_device, mirrored):
  flow, model = make(mirrored)
  assert_close(values(flow), one_device['initial'])
  history = fit(model, epochs=2, validation_data=(images()[:NUM_EVALUATED],),
                validation_batch_size=BATCH)
  assert_close(values(flow), one_device['weights'])
  for name in ('loss', 'val_loss'):
    np.testing.assert_allclose(history[name], one_device['history'][name], atol=1e-5)
  for variable in flow.variables:
    assert_equal(*[[v.numpy()] for v in variable.values])
  predictions = model.predict(images(), batch_size=BATCH, verbose=0)
  np.testing.assert_allclose(
      predictions, one_device['model'].predict(images(), batch_size=BATCH, verbose=0), atol=1e-4)


def test_two_workers_equal_one_device(one_device, tmp_path):
  ports = []
  for _ in range(2):
    with socket.socket() as s:
      s.bind(('localhost', 0))
      ports.append(s.getsockname()[1])
  workers = []
  for index in range(2):
    cluster = {'cluster': {'worker': [f'localhost:{port}' for port in ports]},
               'task': {'type': 'worker', 'index': index}}
    environment = {'TF_CONFIG': json.dumps(cluster), 'PYTHONPATH': os.pathsep.join(sys.path)}
    with open(tmp_path / f'{index}.log', 'w', encoding='utf-8') as log:
      workers.append(subprocess.Popen(
          [sys.executable, '-m', 'tests.keras_worker', str(tmp_path / str(index))],
          env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT))
  try:
    for index, worker in enumerate(workers):
      assert worker.wait(timeout=400) == 0, (tmp_path / f'{index}.log').read_text()[-3000:]
  finally:
    for worker in workers:
      worker.kill()
  first, second = [dict(np.load(tmp_path / f'{i}.npz')) for i in range(2)]
  for name in first:
    assert first[name].tobytes() == second[name].tobytes(), name
  assert_close([first['initial']], [np.concatenate([v.ravel() for v in one_device['initial']])])
  assert_close([first[f'arr_{i}'] for i in range(len(one_device['weights']))],
               one_device['weights'])
  np.testing.assert_allclose(first['loss'], one_device['history']['loss'], atol=1e-5)
  np.testing.assert_allclose(first['val_loss'], one_device['history']['val_loss'], atol=1e-5)
  assert first['evaluated'] == pytest.approx(first['val_loss'][-1], abs=1e-6)
  np.testing.assert_allclose(
      first['predicted'], atol=1e-4, desired=one_device['model'].predict(
          images()[:NUM_EVALUATED], batch_size=BATCH, verbose=0))


def test_xla_compiles_forward_and_backward(mirrored):
  results = []
  for strategy, jit_compile in ((None, False), (None, True), (mirrored, True)):
    flow, model = make(strategy, jit_compile=jit_compile)
    assert hasattr(model._gradients, 'function_spec') == jit_compile
    fit(model, images()[:BATCH], epochs=2)
    results.append(values(flow))
  assert model._gradients.function_spec.jit_compile
  for result in results[1:]:
    assert_close(result, results[0])


class _StopsAt(keras.callbacks.Callback):
  """Breaks off after some epochs, as a machine that fails does."""

  def __init__(self, epoch):
    super().__init__()
    self._epoch = epoch

  def on_epoch_begin(self, epoch, logs=None):
    if epoch == self._epoch:
      raise KeyboardInterrupt


def test_backup_and_restore_continues_exactly(tmp_path):
  adam = lambda: keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=.8)
  straight, model = make(compile_with=adam)
  losses = fit(model, epochs=4)['loss']

  _, model = make(compile_with=adam)
  with pytest.raises(KeyboardInterrupt):
    fit(model, epochs=4, callbacks=[
        keras.callbacks.BackupAndRestore(str(tmp_path)), _StopsAt(2)])
  # The new process neither knows the weights nor initialises them.
  resumed, model = make(compile_with=adam, seed=1, initialize=False)
  assert fit(model, epochs=4, callbacks=[
      keras.callbacks.BackupAndRestore(str(tmp_path))])['loss'] == losses[2:]
  assert_equal(values(resumed), values(straight))


def test_checkpoints_hold_everything_and_early_stopping_stops(tmp_path):
  path = str(tmp_path / '{epoch}.weights.h5')
  flow, model = make()
  saved = {}
  history = fit(model, epochs=9, validation_data=(images(),), callbacks=[
      keras.callbacks.ModelCheckpoint(path, save_weights_only=True),
      keras.callbacks.LambdaCallback(
          on_epoch_end=lambda epoch, logs: saved.update({epoch: values(flow)})),
      # As nothing gets better by so much, the second epoch is the last.
      keras.callbacks.EarlyStopping(
          'val_loss', min_delta=100., patience=1, restore_best_weights=True)])
  assert len(history['loss']) == 2
  assert_equal(values(flow), saved[0])

  # Another permutation and other signs, which the file must replace.
  other, model = make(seed=1, initialize=False)
  assert not np.array_equal(np.concatenate([v.ravel() for v in values(other)]),
                            np.concatenate([v.ravel() for v in values(flow)]))
  model.load_weights(path.format(epoch=1))
  assert_equal(values(other), values(flow))
  assert model.evaluate(images(), batch_size=BATCH, verbose=0) == pytest.approx(
      history['val_loss'][0], abs=1e-5)


def test_tensorboard_shows_loss_and_weights(tmp_path):
  flow, model = make()
  history = fit(model, epochs=2, callbacks=[
      keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=1)])
  losses, histograms = [], set()
  for file in tmp_path.glob('train/events.*'):
    for record in tf.data.TFRecordDataset(str(file)):
      for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
        if value.tag == 'epoch_loss':
          losses.append(float(tf.make_ndarray(value.tensor)))
        elif value.tag.endswith('/histogram'):
          histograms.add(value.tag)
  np.testing.assert_allclose(losses, history['loss'], rtol=1e-6)
  assert len(histograms) == len(flow.variables)


@pytest.mark.parametrize('replicas', [1, 2])
def test_fit_ends_with_the_optimizers_average(mirrored, replicas):
  flow, model = make(mirrored if replicas == 2 else None,
                     compile_with=lambda: optimizer(use_ema=True, ema_momentum=.6))
  seen = []
  fit(model, images()[:3 * BATCH], callbacks=[keras.callbacks.LambdaCallback(
      on_train_batch_end=lambda batch, logs: seen.append(
          [v.numpy() for v in flow.trainable_variables]))])
  assert len(seen) == 3
  average = seen[0]
  for step in seen[1:]:
    average = [.6 * a + .4 * v for a, v in zip(average, step)]
  assert_close([v.numpy() for v in flow.trainable_variables], average)


def test_every_form_of_batch_is_understood(one_device):
  model, x = one_device['model'], images()
  expected = model.predict(x, batch_size=len(x), verbose=0)
  weights = (np.arange(len(x)) % 3).astype(np.float32)
  labels = np.zeros(len(x), np.int32)
  slices = lambda *parts: tf.data.Dataset.from_tensor_slices(*parts).batch(len(x))
  for batches in (slices(x), slices((x, labels)), slices({'image': x, 'label': labels})):
    np.testing.assert_allclose(model.predict(batches, verbose=0), expected, rtol=1e-6)
    assert model.evaluate(batches, verbose=0) == pytest.approx(expected.mean(), rel=1e-6)
  weighted = np.average(expected, weights=weights)
  for batches in (slices((x, labels, weights)), slices({'image': x, 'mask': weights})):
    assert model.evaluate(batches, verbose=0) == pytest.approx(weighted, rel=1e-6)
  np.testing.assert_allclose(model(x), expected, rtol=1e-6)


def test_images_of_weight_zero_do_not_count():
  weights = np.repeat([1., 0.], [BATCH, 5])
  results = []
  for rest in (images()[-5:], images()[-10:-5]):
    flow, model = make()
    fit(model, np.concatenate([images()[:BATCH], rest]), sample_weight=weights, batch_size=16)
    results.append(values(flow))
  assert_close(*results, 1e-7)


@pytest.mark.parametrize('options', [dict(run_eagerly=True), dict(steps_per_execution=2)],
                         ids=['eager', 'two steps at once'])
def test_other_ways_to_run_train_the_same(one_device, options):
  flow, model = make(**options)
  fit(model, epochs=2)
  assert_close(values(flow), one_device['weights'])


def test_takes_a_distribution_without_a_chain():
  flow = bijectors.Glow((8, 8, 1), num_levels=1, depth=1, hidden_channels=4)
  scale = tf.Variable(1.)
  base = tfd.Sample(tfd.Normal(0., scale), [64])
  model = keras_image_model.keras_model(tfd.TransformedDistribution(base, flow), n_bits=5)
  model.initialize(tf.data.Dataset.from_tensor_slices(images()).batch(16))
  model.compile('sgd')
  before = values(flow)
  fit(model)
  moved = [np.any(v.numpy() != b) for v, b in zip(flow.variables, before)]
  assert moved == [v.trainable for v in flow.variables]
  assert scale.numpy() != 1.
  assert model.image_model.n_bits == 5


_FLOATS = images() / 255.


@pytest.mark.parametrize('x, message', [
    (_FLOATS, 'got float.*times 255'),
    (images().astype(np.int32), 'got int32; cast them to uint8'),
    (images()[..., 0], r'\(29, 8, 8\).*images\[..., None\]'),
    (images()[0], r'add the batch dimension'),
    (images()[:, :4], r'got the shape \(29, 4, 8, 1\); reshape'),
    (_FLOATS.astype(np.uint8), 'no value above'),
], ids=['range', 'dtype', 'no channels', 'no batch', 'size', 'cast too early'])
def test_wrong_images_raise_one_line(one_device, x, message):
  model = one_device['model']
  with pytest.raises(ValueError, match=message) as error:
    model.initialize(x)
  assert '\n' not in str(error.value)
  if 'no value' in message:
    return  # Only there: a batch may well be black.
  for use in (fit, lambda model, x: model.evaluate(x, verbose=0),
              lambda model, x: model.predict(x, verbose=0)):
    with pytest.raises(ValueError, match='images must be uint8 from 0 to 255') as error:
      use(model, x)
    assert '\n' not in str(error.value)
  # The mistake leaves no trace.
  assert model.predict(images()[:3], verbose=0).shape == (3,)


def test_other_mistakes_raise_one_line(one_device, mirrored):
  _, model = make(initialize=False)
  flow = model.image_model.distribution

  def in_scope(fn):
    with mirrored.scope():
      return fn()

  def mirrored_model():
    return in_scope(lambda: keras_image_model.keras_model(distribution()))

  for mistake, kind, message in (
      (lambda: fit(model), ValueError, 'not initialised.*initialize'),
      (lambda: model.predict(images(), verbose=0), ValueError, 'not initialised'),
      (lambda: model.save('model.keras'), NotImplementedError, 'save_weights'),
      (lambda: model.compile('sgd', loss='mse'), ValueError, "loss='mse'; leave loss out"),
      (lambda: model.compile('sgd', metrics=['mae']), ValueError, 'leave metrics out'),
      (lambda: keras_image_model.keras_model(tfd.Normal(0., 1.)), TypeError, 'Normal'),
      (lambda: keras_image_model.keras_model(model.image_model, n_bits=5), ValueError,
       'has n_bits=8, got n_bits=5'),
      (lambda: in_scope(lambda: keras_image_model.keras_model(flow)), ValueError,
       'inside one `with strategy.scope'),
      (lambda: mirrored_model().compile(optimizer()), ValueError, 'outside the scope'),
      (lambda: mirrored_model().initialize(images()[:1]), ValueError, '2 replicas, got 1'),
      (lambda: one_device['model'].evaluate(
          tf.data.Dataset.from_tensors({'picture': images()}), verbose=0),
       ValueError, "key 'image', got"),
  ):
    with pytest.raises(kind, match=message) as error:
      mistake()
    assert '\n' not in str(error.value)
