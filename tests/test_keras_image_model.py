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

import tfp_glow
from tests import tiny_keras
from tests import tiny_run as tiny
from tests.tiny_keras import BATCH, NUM_EVALUATED, assert_close, assert_equal, everything, fit
from tests.tiny_keras import images, labelled, make, values, with_context
from tfp_glow import bijectors
from tfp_glow import distributions
from tfp_glow import evaluation
from tfp_glow import keras_image_model
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step

tfd = tfp.distributions


def train(flow, model):
  """What two epochs, evaluations and a prediction give."""
  few = everything(NUM_EVALUATED)
  initial = values(flow)
  history = fit(model, everything(), epochs=2, validation_data=few, validation_batch_size=BATCH)
  predicted = model.predict(few, batch_size=BATCH, verbose=0)
  return dict(initial=initial, history=history, weights=values(flow), predicted=predicted,
              flow=flow, model=model)


@pytest.fixture(name='one_device', scope='module')
def fixture_one_device():
  return train(*make(with_context, start=everything()))


def test_has_every_variable_once_and_fit_moves_the_trainable_ones():
  flow, model = make(lambda: distributions.flow_distribution(bijectors.Glow(
      (8, 8, 1), num_levels=2, depth=1, hidden_channels=4)))
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


@pytest.mark.parametrize('options', [dict(run_eagerly=True), dict(jit_compile=True)], ids=str)
def test_what_is_frozen_after_compile_stays_and_the_rest_trains(options):
  def fitted(recompile):
    _, model = make(**options)
    [frozen] = [v for v in model.layers[0].values if v.name.endswith('lower')]
    frozen.trainable = False
    if recompile:
      model.compile(tiny_keras.optimizer(), **options)
    before = frozen.numpy()
    fit(model)
    np.testing.assert_array_equal(frozen, before)
    return [v.numpy() for v in model.layers[0].values]

  for late, early in zip(fitted(False), fitted(True)):
    np.testing.assert_array_equal(late, early)


def test_what_is_unfrozen_after_compile_is_refused():
  _, model = make()
  model.trainable = False
  model.compile(tiny_keras.optimizer())
  model.trainable = True
  with pytest.raises(ValueError, match='trainable and was not when compile .* compile again'):
    fit(model)


def test_evaluation_is_that_of_the_image_model(one_device):
  model, x = one_device['model'], images()
  form = everything()
  noise = noise_lib.noise_of_images(noise_lib.EVALUATION_SEED, tf.range(len(x)), (8, 8, 1))
  expected = model.image_model.bits_per_dim(
      form['image'], noise, labels=form['label'], context=form['context'])
  assert model.evaluate(form, batch_size=BATCH, verbose=0) == pytest.approx(
      np.mean(expected), abs=1e-5)
  np.testing.assert_allclose(one_device['predicted'], expected[:NUM_EVALUATED], atol=1e-5)


def test_agrees_with_the_training_program():
  config = tiny.config(
      optimizer__name='sgd', optimizer__learning_rate=tiny_keras.RATE,
      optimizer__clip_norm=tiny_keras.CLIP, optimizer__schedule='constant',
      optimizer__warmup_steps=0, batch_size=BATCH)
  cluster, x = tiny.one_device(), images()[:3 * BATCH]
  make_model = lambda: distributions.ImageModel(tiny_keras.light())
  state = state_lib.TrainState(cluster, make_model, config.optimizer, config.seed)
  state.initialize(x, noise_lib.batch_noise(config.seed, 0, x.shape))
  step = train_step.make_train_step(cluster, state, config)

  image_model = make_model()
  model = keras_image_model.keras_model(image_model, seed=config.seed)
  model.initialize(x)
  model.compile(tiny_keras.optimizer())
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
  found = train(*make(with_context, mirrored, everything()))
  for name in ('initial', 'weights', 'predicted'):
    assert_close(found[name], one_device[name])
  for name in ('loss', 'val_loss'):
    np.testing.assert_allclose(
        found['history'][name], one_device['history'][name], atol=1e-5)
  for variable in found['flow'].variables:
    assert_equal(*[[v.numpy()] for v in variable.values])


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
  for name in ('loss', 'val_loss'):
    np.testing.assert_allclose(first[name], one_device['history'][name], atol=1e-5)
  assert first['evaluated'] == pytest.approx(first['val_loss'][-1], abs=1e-6)
  np.testing.assert_allclose(first['predicted'], one_device['predicted'], atol=1e-5)


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
  resumed, model = make(lambda: tiny_keras.light(seed=1), compile_with=adam, start=False)
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
  other, model = make(lambda: tiny_keras.light(seed=1), start=False)
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


def test_takes_a_distribution_without_a_chain():
  scale = tf.Variable(1.)

  def distribution():
    flow = tiny_keras.light().bijector.bijectors[-1]
    return tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0., scale), [64]), flow)

  flow = distribution()
  model = keras_image_model.keras_model(flow, n_bits=5)
  model.initialize(tf.data.Dataset.from_tensor_slices(images()).batch(16))
  model.compile('sgd', run_eagerly=True)
  before = values(flow)
  fit(model)
  moved = [np.any(v.numpy() != b) for v, b in zip(flow.variables, before)]
  assert moved == [v.trainable for v in flow.variables]
  assert any(v is scale for v in flow.variables)
  assert model.image_model.n_bits == 5


@pytest.mark.parametrize('make_flow, batch', [
    (tiny_keras.light, lambda: dict(image=images())),
    (tiny_keras.with_classes, lambda: dict(zip(['image', 'label'], labelled()))),
    (tiny_keras.with_context, lambda: {
        name: part for name, part in tiny_keras.everything().items() if name != 'id'})],
    ids=['images', 'labels', 'context'])
def test_an_export_is_what_call_computes(tmp_path, make_flow, batch):
  _, model = make(make_flow, start=batch())
  given = {name: tf.cast(part, tf.int32) if name == 'label' else tf.constant(part)
           for name, part in batch().items()}
  model.export(str(tmp_path), verbose=False)
  loaded = tf.saved_model.load(str(tmp_path))
  found, = loaded.signatures['serving_default'](**given).values()
  np.testing.assert_allclose(found, model(given), rtol=1e-5)


def test_the_name_is_the_functions_whatever_was_imported():
  assert tfp_glow.keras_model is keras_image_model.keras_model
  from tfp_glow import keras_model  # pylint: disable=import-outside-toplevel
  assert keras_model is keras_image_model.keras_model
  # No module has this name, which would replace the function once it is imported.
  with pytest.raises(ModuleNotFoundError):
    __import__('tfp_glow.keras_model')


def test_mistakes_raise_one_line(mirrored, tmp_path):
  _, model = make(start=False)
  flow = model.image_model.distribution
  with_classifier = keras_image_model.keras_model(distributions.ImageModel(
      distributions.flow_distribution(bijectors.Glow(
          (8, 8, 1), num_levels=1, depth=1, hidden_channels=2, num_classes=4)),
      classifier=distributions.LatentClassifier.trainable(4, 4)))
  with_classifier.compile('sgd')

  def in_scope(fn):
    with mirrored.scope():
      return fn()

  def mirrored_model():
    return in_scope(lambda: keras_image_model.keras_model(tiny_keras.light()))

  for mistake, kind, message in (
      (lambda: fit(model), ValueError, 'not initialised.*initialize'),
      (lambda: model.predict(images(), verbose=0), ValueError, 'not initialised'),
      (lambda: model.save(str(tmp_path / 'model.keras')), NotImplementedError, 'save_weights'),
      (lambda: keras_image_model.keras_model(tfd.Normal(0., 1.)), TypeError, 'Normal'),
      (lambda: keras_image_model.keras_model(model.image_model, n_bits=5), ValueError,
       'has n_bits=8, got n_bits=5'),
      (lambda: in_scope(lambda: keras_image_model.keras_model(flow)), ValueError,
       'inside one `with strategy.scope'),
      (lambda: mirrored_model().initialize(images()[:1]), ValueError, '2 replicas, got 1'),
      (lambda: fit(with_classifier, *labelled()), ValueError, 'has a classifier'),
  ):
    with pytest.raises(kind, match=message) as error:
      mistake()
    assert '\n' not in str(error.value)
