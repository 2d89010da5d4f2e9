"""Training, resuming, evaluating and sampling with labels."""

import copy
import math
import os

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
import tfp_glow
from tfp_glow import data
from tfp_glow import distributions
from tfp_glow import errors
from tfp_glow import evaluation
from tfp_glow import runs
from tfp_glow import serving
from tfp_glow import training
from tfp_glow.commands import directions
from tfp_glow.commands import evaluate
from tfp_glow.commands import export
from tfp_glow.commands import interpolate
from tfp_glow.commands import latent_runs
from tfp_glow.commands import mix
from tfp_glow.commands import sample
from tfp_glow.commands import scales
from tfp_glow.distributions import noise
from tfp_glow.runs import origin
from tfp_glow.runs import pictures
from tfp_glow.runs import trained
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step

pytestmark = pytest.mark.usefixtures('blots')

_COUPLINGS = dict(model__num_classes=4, model__condition_couplings=True)
_CLASSIFIER = dict(model__num_classes=4, model__class_weight=.5)


@pytest.fixture(name='source', scope='module')
def fixture_source():
  return tiny.LabelledSource()


def _run(path, **changes):
  return training.train(tiny.config(sample_every=6, **changes), path, tiny.one_device())


@pytest.fixture(name='run', scope='module')
def fixture_run(tmp_path_factory, source):
  """A run with a classifier, and its config."""
  path = str(tmp_path_factory.mktemp('runs') / 'classes')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(data, 'load', lambda config: source)
    _run(path, **_CLASSIFIER)
  return path


_CONFIG = tiny.config(sample_every=6, **_CLASSIFIER)


def test_a_class_of_another_number_is_refused(source, run, monkeypatch):
  assert origin.Origin(runs.Workdir(run)).read()['classes'] == ['0', '1', '2', '3']
  other = copy.copy(source)
  other.class_names = ['1', '2', '3', '9']  # As if the subfolder "0" had become "9".
  monkeypatch.setattr(data, 'load', lambda config: other)
  with pytest.raises(errors.UserError, match="class '1' of blots has the number 0, and in the run"):
    runs.load_trained(_CONFIG, run)


def _steps(cluster, source, config, num=4):
  """A state after some steps, and the classes of the batches."""
  state = state_lib.TrainState(
      cluster, lambda: trained.make_model(config, source.image_shape), config.optimizer, 0)
  batches = cluster.distribute(lambda index, count: data.train_batches(
      source, batch_size=8, seed=0, shard_index=index, num_shards=count))
  batches = [batch for _, batch in zip(range(num), batches)]
  first = cluster.strategy.run(
      lambda i: noise.replica_noise(0, 0, i, cluster.num_replicas), (batches[0]['image'],))
  state.initialize(batches[0]['image'], first, {'labels': batches[0]['label']})
  step = train_step.make_train_step(cluster, state, config)
  for batch in batches:
    step(batch['image'], tf.constant(0.), {'labels': batch['label']})
  return state


@pytest.mark.parametrize('changes, jit_compile', [(_COUPLINGS, False), (_CLASSIFIER, True)],
                         ids=['couplings', 'classifier under XLA'])
def test_one_device_and_two_agree(source, changes, jit_compile):
  config = lambda **options: tiny.config(
      optimizer__name='sgd', optimizer__learning_rate=.05, **changes, **options)
  one = _steps(tiny.one_device(), source, config(jit_compile=jit_compile))
  two = _steps(tiny.two_devices(), source, config())
  for a, b in zip(one.model.trainable_variables, two.model.trainable_variables):
    np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)
  assert int(one.progress.window_good) == 4
  assert float(one.progress.window_bpd) == pytest.approx(float(two.progress.window_bpd), rel=1e-5)


def test_loss_is_bits_per_dim_and_the_weighted_cross_entropy(source):
  config = tiny.config(optimizer__name='sgd', optimizer__learning_rate=.1, optimizer__clip_norm=0.,
                       optimizer__warmup_steps=0, optimizer__schedule='constant', **_CLASSIFIER)
  cluster = tiny.one_device()
  state = state_lib.TrainState(
      cluster, lambda: trained.make_model(config, source.image_shape), config.optimizer, 0)
  batch = next(iter(data.train_batches(source, batch_size=8, seed=0)))
  images, labels = batch['image'], batch['label']
  draw = noise.batch_noise(0, 0, images.shape)
  state.initialize(images, draw, {'labels': labels})
  model, weights = state.model, state.model.trainable_variables
  with tf.GradientTape() as tape:
    bits = tf.reduce_mean(model.bits_per_dim(images, draw, labels=labels))
    class_bits = tf.reduce_mean(model.bits_per_dim_and_class_bits(images, draw, labels)[1])
    loss = bits + .5 * class_bits
  expected = [w - .1 * g for w, g in zip(weights, tape.gradient(
      loss, weights, unconnected_gradients='zero'))]
  train_step.make_train_step(cluster, state, config)(images, tf.constant(0.), {'labels': labels})
  assert float(class_bits) == pytest.approx(2., abs=1e-5)  # Of 4 classes, before any training.
  for weight, value in zip(weights, expected):
    np.testing.assert_allclose(weight.numpy(), value, atol=1e-6)
  assert np.any(model.classifier.kernel.numpy() != 0.)
  assert float(state.progress.window_bpd) == pytest.approx(float(bits), rel=1e-6)


def test_a_resumed_run_goes_on_as_if_nothing_had_happened(tmp_path, run, monkeypatch):
  path, made = str(tmp_path / 'run'), train_step.make_train_step

  class Killed(Exception):
    pass

  def make(cluster, state, config):
    step = made(cluster, state, config)
    def dying(*args):
      if int(state.progress.step) == 9:
        raise Killed
      return step(*args)
    return dying

  with monkeypatch.context() as patch:
    patch.setattr(train_step, 'make_train_step', make)
    with pytest.raises(Killed):
      _run(path, **_CLASSIFIER)
  _run(path, **_CLASSIFIER)
  resumed, whole = tiny.weights(path), tiny.weights(run)
  assert resumed == whole and any('classifier' in name for name in whole)


def test_it_learns_the_classes(source):
  """Halves that are bright are told apart by likelihood after a little training."""
  config = tiny.config(num_steps=60, optimizer__learning_rate=2e-2, optimizer__schedule='constant',
                       model__hidden_channels=16, batch_size=32, **_COUPLINGS)
  cluster = tiny.one_device()
  state = state_lib.TrainState(
      cluster, lambda: trained.make_model(config, source.image_shape), config.optimizer, 0)
  batches = iter(data.train_batches(source, batch_size=32, seed=0))
  first = next(batches)
  state.initialize(first['image'], noise.batch_noise(0, 0, first['image'].shape),
                   {'labels': first['label']})
  step = train_step.make_train_step(cluster, state, config)
  for _ in range(60):
    batch = next(batches)
    step(batch['image'], tf.constant(0.), {'labels': batch['label']})
  result = evaluation.Evaluator(cluster, state.model, source, 53, noise_draws=1)()
  assert result['accuracy'] > .9


@pytest.fixture(name='expected', scope='module')
def fixture_expected(run, source):
  """What to evaluate the run must give, of one image and class after the other."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(data, 'load', lambda config: source)
    log_prob = tf.function(runs.load_trained(_CONFIG, run).model.log_prob)
  (images, labels), right, marginal, given = source.arrays('test'), [], [], []
  for i in range(53):
    draw = noise.noise_of_images(-1, [i], (8, 8, 1))
    log_probs = [float(log_prob(images[i:i + 1], draw, labels=tf.constant([label]))[0])
                 for label in range(4)]
    right.append(np.argmax(log_probs) == int(labels[i]))
    marginal.append(np.logaddexp.reduce(log_probs) - math.log(4.))
    given.append(log_probs[int(labels[i])])
  bits = lambda values: -np.mean(values) / (64 * math.log(2.))
  return {'accuracy': np.mean(right), 'eval_bpd': bits(marginal),
          'eval_bpd_given_label': bits(given)}


@pytest.mark.parametrize('cluster', [tiny.one_device, tiny.two_devices])
def test_evaluate_against_a_loop(run, expected, cluster):
  result = evaluate.run(_CONFIG, run, cluster())
  assert result['accuracy'] == pytest.approx(expected['accuracy'])
  for name in ('eval_bpd', 'eval_bpd_given_label'):
    assert result[name] == pytest.approx(expected[name], rel=1e-5)
  assert result['num_images'] == 53
  last = tiny.lines(run)[-1]
  for name in ('eval_bpd', 'eval_bpd_given_label', 'accuracy', 'standard_error'):
    assert last[name] == pytest.approx(result[name], rel=1e-5)


def test_training_images_are_measured_given_their_label_alone(run, source):
  """With as many as test images."""
  last = tiny.lines(run)[-1]
  train = evaluation.Evaluator(
      tiny.one_device(), runs.load_trained(_CONFIG, run).model, source, 16, 1)
  assert last['eval_train_bpd_given_label'] == pytest.approx(
      train('train', 53, given_label=True)['eval_bpd_given_label'], rel=1e-5)
  assert 'eval_train_bpd' not in last


def test_a_column_for_each_class(run):
  model = runs.load_trained(_CONFIG, run).model
  sampler = pictures.Sampler(model, 6)  # A second batch begins with another class.
  images = sampler(12, 0., 0, np.arange(12) % 4)
  for row in (1, 2):
    np.testing.assert_array_equal(images[:4], images[4 * row:4 * row + 4])
  assert len(np.unique(images, axis=0)) == 4
  np.testing.assert_array_equal(sampler.grid(12, 0., 0), pictures.grid(images, 4))
  np.testing.assert_array_equal(
      sampler.grid(3, 0., 0, label=2), pictures.grid(np.repeat(images[2:3], 3, 0)))


def test_few_samples_are_of_classes_by_chance(run):
  result = sample.run(_CONFIG, run, num_samples=3, temperature=.7, seed=5)
  model = runs.load_trained(_CONFIG, run).model
  labels = model.sample_labels(3, (5, 0)).numpy()
  assert result['labels'] == [str(label) for label in labels]
  np.testing.assert_array_equal(
      pictures.Sampler(model, 6).grid(3, .7, 5),
      pictures.grid(pictures.Sampler(model, 6)(3, .7, 5, labels)))


def test_sample_of_a_label(run):
  result = sample.run(_CONFIG, run, num_samples=4, temperature=.5, label=3)
  path = result['path']
  assert 'labels' not in result
  assert os.path.basename(path) == 'sample_step_12_temperature_0.5_seed_0_num_4_label_3.png'
  assert Image.open(path).size == (18, 18)
  result = sample.run(_CONFIG, run, num_samples=8)
  assert Image.open(result['path']).size == (4 * 10 - 2, 2 * 10 - 2)
  assert result['labels'] == ['0', '1', '2', '3']
  assert {'step_000006.png', 'step_000012.png'} <= set(os.listdir(f'{run}/samples'))


@pytest.mark.parametrize('label', [-1, 4])
def test_a_label_out_of_range(run, label):
  with pytest.raises(errors.UserError, match=f'--label={label} must be a class from 0 to 3'):
    sample.run(_CONFIG, run, label=label)


def test_data_without_these_classes(tmp_path, monkeypatch):
  with pytest.raises(errors.UserError, match='labels have 4 classes; set model.num_classes=4'):
    _run(str(tmp_path / 'a'), model__num_classes=3)
  monkeypatch.setattr(data, 'load', lambda config: tiny.MemorySource())
  with pytest.raises(errors.UserError, match='needs a data set with labels, and blots has none'):
    _run(str(tmp_path / 'b'), **_COUPLINGS)


@pytest.mark.parametrize('changes, message', [
    (dict(model__num_classes=-1), 'model.num_classes=-1; it must be'),
    (dict(model__class_weight=-.1), 'model.class_weight=-0.1; it must be'),
    (dict(model__class_weight=.1), 'class_weight=0.1 needs model.num_classes'),
    (dict(model__condition_couplings=True), 'condition_couplings needs num_classes'),
    (dict(model__class_weight=.1, **_COUPLINGS), 'goes without condition_couplings'),
    (dict(model__name='tutorial_multi_scale', model__num_classes=4), 'needs model.name=glow')])
def test_configs_that_make_no_sense(tmp_path, changes, message):
  with pytest.raises(errors.UserError, match=message):
    _run(str(tmp_path / 'run'), **changes)


def _grid(path, columns):
  """The 8x8 images of a picture, uint8 `[rows, columns, 8, 8]`."""
  pixels = np.pad(np.asarray(Image.open(path)), [[0, 2], [0, 2]])
  grid = pixels.reshape([-1, 10, columns, 10]).transpose(0, 2, 1, 3)[..., :8, :8]
  return grid


def test_interpolate_tells_its_classes(run, source):
  result = interpolate.run(_CONFIG, run, num_samples=3, seed=1)
  grid = _grid(result['path'], 10)
  images, labels = [array.numpy() for array in source.arrays('test')]
  for row, names in zip(grid, result['labels'], strict=True):
    for end, name in zip((row[0], row[-1]), names):  # Test images, each of its class.
      number = np.argmax((images[..., 0] == end).all((1, 2)))
      assert (images[number, ..., 0] == end).all() and str(labels[number]) == name
  first, last = latent_runs.choose_images(source, 6, 1)[:3], latent_runs.choose_images(
      source, 6, 1)[3:]
  model = runs.load_trained(_CONFIG, run).model
  middle = np.full(first.images.shape, .5, np.float32)
  start, end = (model.encode(x.images, middle, labels=x.labels) for x in (first, last))
  for column, labels in ((4, first.labels), (5, last.labels)):
    at = column / 9.
    expected = model.quantize(model.decode((1. - at) * start + at * end, labels=labels))
    assert np.abs(np.int32(expected[..., 0]) - grid[:, column]).max() <= 1


def test_mix_tells_its_classes(run):
  result = mix.run(_CONFIG, run, num_samples=2)
  assert _grid(result['path'], 2).shape == (2, 2, 8, 8)
  assert [len(pair) for pair in result['labels']] == [2, 2]


def test_scales_are_those_of_samples_of_p_x(run):
  result = scales.run(_CONFIG, run, num_samples=3, temperature=.7, seed=5)
  model = runs.load_trained(_CONFIG, run).model
  samples = model.sample(3, .7, (5, 0))
  np.testing.assert_array_equal(_grid(result['path'], 10)[:, 0], samples[..., 0])
  assert result['labels'] == [str(label) for label in model.sample_labels(3, (5, 0)).numpy()]


def test_directions_are_the_classes_themselves(run):
  result = directions.run(_CONFIG, run, num_samples=5)
  grid = _grid(result['path'], 5)
  for (own, *wanted), row in zip(result['labels'], grid, strict=True):
    assert wanted == ['0', '1', '2', '3']
    np.testing.assert_array_equal(row[0], row[1 + int(own)])  # As its own class, the image itself.
    assert len(np.unique(row, axis=0)) == 4
  result = directions.run(_CONFIG, run, directions=['3', '0->2'], num_samples=2)
  assert result['labels'][2:] == [['0', '2']] * 2 and {b for _, b in result['labels'][:2]} == {'3'}
  assert _grid(result['path'], 2).shape == (4, 2, 8, 8)
  assert not os.path.exists(f'{run}/directions')
  with pytest.raises(errors.UserError, match="direction '0->5' is not known; .* 0, 1, 2, 3"):
    directions.run(_CONFIG, run, directions=['0->5'])
  with pytest.raises(errors.UserError, match='40 test images of the class 1 are needed'):
    directions.run(_CONFIG, run, directions=['1->2'], num_samples=40)


def test_other_images_are_scored_without_a_label(run, monkeypatch):
  monkeypatch.setitem(evaluation.DERIVED, 'same', lambda images: images)
  result = evaluate.run(_CONFIG, run, tiny.one_device(), ood_dataset=['same'])
  assert result['ood']['same']['bpd'] == pytest.approx(result['eval_bpd'], rel=1e-5)
  assert set(result['ood']['same']['auroc'].values()) == {.5}


def test_a_keras_model_measures_the_same(run, source):
  image_model = runs.load_trained(_CONFIG, run).model
  expected = evaluation.Evaluator(
      tiny.one_device(), image_model, source, 16, 1)()['eval_bpd_given_label']
  model = tfp_glow.keras_model(image_model)
  model.compile()
  images, labels = source.arrays('test')
  assert model.evaluate(images, labels, batch_size=16, verbose=0) == pytest.approx(
      expected, abs=1e-5)


def test_export_and_load(run, source):
  path = export.export_run(_CONFIG, run)
  model = serving.load(path)
  loaded = tf.saved_model.load(path)
  given = dict(temperature=tf.constant(.7), seed=tf.constant([0, 1]))
  np.testing.assert_array_equal(
      loaded.signatures['sample_given_label'](labels=tf.constant([1, 3]), **given)['images'],
      model.sample(2, .7, (0, 1), labels=[1, 3]))
  np.testing.assert_array_equal(
      loaded.signatures['sample'](num=tf.constant(5), **given)['images'],
      model.sample(5, .7, (0, 1)))
  exported = serving.find_export(path)
  description = exported.read_description()
  assert description['classes'] == ['0', '1', '2', '3'] and not description['directions']
  examples = exported.read_examples()
  images, labels = source.arrays('test')
  np.testing.assert_array_equal(examples.images, images)
  np.testing.assert_array_equal(examples.labels, labels)
  draw = distributions.noise_of_draw([50, 8, 8, 1], (0, 0), 0)
  np.testing.assert_allclose(
      examples.bits_per_dim[:50], model.bits_per_dim(images[:50], draw), rtol=1e-5)
