"""Batches of every form: images, labels, other conditions, weights, and what is wrong with them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_keras
from tests.tiny_keras import BATCH, assert_close, assert_equal, contexts, everything, fit, images
from tests.tiny_keras import labelled, make, values, with_classes, with_context
from tfp_glow import keras_image_model
from tfp_glow.distributions import noise as noise_lib

def slices(parts, batch=tiny_keras.NUM_IMAGES):
  return tf.data.Dataset.from_tensor_slices(parts).batch(batch)


def bits(model, x, **conditions):
  """What Keras' evaluation of all images in their order must find, `[N]`."""
  noise = noise_lib.noise_of_images(noise_lib.EVALUATION_SEED, tf.range(len(x)), (8, 8, 1))
  return model.image_model.bits_per_dim(x, noise, **conditions).numpy()


@pytest.fixture(name='plain', scope='module')
def fixture_plain():
  return make()[1]


@pytest.fixture(name='classes', scope='module')
def fixture_classes():
  return make(with_classes, start=labelled())[1]


@pytest.fixture(name='given', scope='module')
def fixture_given():
  return make(with_context, start=everything(), run_eagerly=True)[1]


def test_every_form_of_images(plain):
  x = images()
  expected = bits(plain, x)
  weights = (np.arange(len(x)) % 3).astype(np.float32)
  labels = np.zeros(len(x), np.int32)
  np.testing.assert_allclose(plain.predict(x, verbose=0), expected, rtol=1e-6)
  np.testing.assert_allclose(plain(x), expected, rtol=1e-6)
  for batches in (slices(x), slices((x, labels)), slices({'image': x, 'label': labels})):
    assert plain.evaluate(batches, verbose=0) == pytest.approx(expected.mean(), rel=1e-6)
  weighted = pytest.approx(np.average(expected, weights=weights), rel=1e-6)
  for batches in (slices((x, labels, weights)), slices({'image': x, 'mask': weights})):
    assert plain.evaluate(batches, verbose=0) == weighted
  assert plain.evaluate(x, sample_weight=weights, verbose=0) == weighted
  history = fit(plain, x[:BATCH], validation_data=(x, None, weights))
  again = np.average(bits(plain, x), weights=weights)
  assert history['val_loss'] == pytest.approx([again], rel=1e-6)


def test_every_form_of_labels(classes):
  x, y = labelled()
  expected = bits(classes, x, labels=y)
  assert np.abs(expected - bits(classes, x, labels=(y + 1) % 4)).min() > .01
  weights = (np.arange(len(x)) % 3).astype(np.float32)
  average, weighted = expected.mean(), np.average(expected, weights=weights)
  form = {'image': x, 'label': y}
  for arguments, wanted in (
      (dict(x=x, y=y), average), (dict(x=x, y=y[:, None]), average), (dict(x=form), average),
      (dict(x=x, y=y, sample_weight=weights), weighted),
      (dict(x=form, sample_weight=weights), weighted),
      (dict(x=slices((x, y))), average), (dict(x=slices((x, y, weights))), weighted),
      (dict(x=slices(form)), average), (dict(x=slices({**form, 'mask': weights})), weighted)):
    found = classes.evaluate(**arguments, verbose=0)
    assert found == pytest.approx(wanted, rel=1e-6), arguments.keys()
  for batches in (form, slices((x, y)), slices(form)):
    np.testing.assert_allclose(classes.predict(batches, verbose=0), expected, rtol=1e-6)
  for found in (classes(x, y), classes(x, y[:, None]), classes(form), classes((x, y))):
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_loss_of_a_flow_with_classes_falls():
  x, y = labelled()
  _, model = make(with_classes, start=(x, y), compile_with=lambda: keras.optimizers.Adam(.05))
  losses = fit(model, x, y, epochs=6, class_weight={0: 1., 1: 1., 2: 1., 3: 1.})['loss']
  assert losses[-1] < losses[0] - .1


def test_dicts_hold_every_condition_by_name(given):
  x, y, context = *labelled(), contexts()
  expected = bits(given, x, labels=y, context=context)
  assert np.abs(expected - bits(given, x, labels=y, context=-context)).min() > 1e-3
  form = everything()
  np.testing.assert_allclose(given.predict(slices(form), verbose=0), expected, rtol=1e-6)
  np.testing.assert_allclose(given(form), expected, rtol=1e-6)
  assert given.evaluate(form, batch_size=BATCH, verbose=0) == pytest.approx(
      expected.mean(), rel=1e-6)
  without = {'image': x, 'context': context}
  assert given.evaluate(without, y, batch_size=BATCH, verbose=0) == pytest.approx(
      expected.mean(), rel=1e-6)
  before = values(given.image_model)
  assert fit(given, slices(form, BATCH), validation_data=slices(form))['val_loss']
  assert any(np.any(v != b) for v, b in zip(values(given.image_model), before))


def test_initialisation_is_that_of_the_image_model(given):
  x, y = labelled()
  flow = with_context()
  model = keras_image_model.keras_model(flow, seed=3)
  model.initialize(slices(everything()))
  expected = keras_image_model.keras_model(with_context()).image_model
  expected.initialize(x, noise_lib.batch_noise(3, 0, x.shape), labels=y, context=contexts())
  assert_close(values(flow), values(expected.distribution), 1e-6)
  assert given is not None


def test_initialisation_from_a_pydataset():
  class Batches(keras.utils.PyDataset):
    def __len__(self):
      return 2

    def __getitem__(self, i):
      return images()[i * 20:i * 20 + 20]

  flow, _ = make(start=Batches())
  expected, _ = make(start=images()[:20])
  assert_equal(values(flow), values(expected))


def test_arguments_by_place_mean_what_they_mean_for_keras():
  weights = np.linspace(0., 1., len(images()))
  _, model = make(compile_with=lambda: keras.optimizers.SGD(0.))
  expected = model.evaluate(images(), sample_weight=weights, verbose=0)
  assert model.evaluate(images(), None, 32, 0, weights) == expected
  history = model.fit(images(), None, 32, 1, 0, None, 0., (images(), None, weights)).history
  np.testing.assert_allclose(history['val_loss'], [expected], rtol=1e-6)
  with pytest.raises(TypeError):
    model.evaluate(images(), None, 32, batch_size=32)


def test_images_of_weight_zero_do_not_count():
  weights = np.repeat([1., 0.], [BATCH, 5])
  results = []
  for rest in (images()[-5:], images()[-10:-5]):
    flow, model = make(run_eagerly=True)
    fit(model, np.concatenate([images()[:BATCH], rest]), sample_weight=weights, batch_size=16)
    results.append(values(flow))
  assert_close(*results, 1e-7)


@pytest.mark.parametrize('weights', [
    list(np.linspace(0., 1., len(images()))), np.linspace(0., 1., len(images()))[:, None]],
    ids=['list', 'column'])
def test_weights_come_in_more_than_one_form(plain, weights):
  expected = plain.evaluate(images(), sample_weight=np.ravel(weights), verbose=0)
  assert plain.evaluate(images(), sample_weight=weights, verbose=0) == expected


_FLOATS = images() / 255.


@pytest.mark.parametrize('x, message', [
    (_FLOATS, 'got float.*times 255'),
    (images().astype(np.int32), 'got int32; cast them to uint8'),
    (images()[..., 0], r'\(29, 8, 8\).*images\[..., None\]'),
    (images()[0], r'batch the data set with dataset.batch'),
    (images()[:, :4], r'got the shape \(29, 4, 8, 1\); reshape'),
    (_FLOATS.astype(np.uint8), 'no value above'),
], ids=['range', 'dtype', 'no channels', 'no batch', 'size', 'cast too early'])
def test_wrong_images_raise_one_line(plain, x, message):
  with pytest.raises(ValueError, match=message) as error:
    plain.initialize(x)
  assert '\n' not in str(error.value)
  if 'no value' in message:
    return  # Only there: a batch may well be black.
  for use in (fit, lambda model, x: model.evaluate(x, verbose=0),
              lambda model, x: model.predict(x, verbose=0)):
    with pytest.raises(ValueError, match='images must be uint8 from 0 to 255') as error:
      use(plain, x)
    assert '\n' not in str(error.value)
  # The mistake leaves no trace.
  assert plain.predict(images()[:3], verbose=0).shape == (3,)


@pytest.mark.parametrize('labels, message', [
    (None, r"given labels, and the batch has no labels; pass \(images, labels\) or a dict with"),
    (labelled()[1] * 1., 'labels must be integers, got float'),
    (np.eye(4, dtype=np.int32)[labelled()[1]], r'labels must have the shape \[N\].*4[\])]'),
    (labelled()[1] + 1, r'labels must lie between 0 and 3, got .*4'),
], ids=['none', 'floats', 'one-hot', 'range'])
def test_wrong_labels_raise_one_line(classes, labels, message):
  x = labelled()[0]
  form = dict(image=x) if labels is None else dict(image=x, label=labels)
  for use in (lambda: fit(classes, x, labels), lambda: classes.predict(form, verbose=0),
              lambda: classes.evaluate(x, labels, verbose=0),
              lambda: classes.initialize(tf.constant(x), labels)):
    with pytest.raises(ValueError, match=message) as error:
      use()
    assert '\n' not in str(error.value)
  assert classes.predict(dict(image=x[:2], label=labelled()[1][:2]), verbose=0).shape == (2,)


def test_other_mistakes_raise_one_line(plain, classes, given):
  x, y = labelled()
  for mistake, message in (
      (lambda: plain.evaluate(tf.data.Dataset.from_tensors({'picture': x}), verbose=0),
       "key 'image', got"),
      (lambda: plain.initialize([[x]]), 'got list in the images. place'),
      (lambda: plain.initialize(x[:0]), 'at least one image for each of the 1 replicas, got 0'),
      (lambda: plain.initialize(slices(x).take(0)), 'a data set without a batch'),
      (lambda: plain.initialize(iter([x])), 'PyDataset, got list_iterator; pass one batch'),
      (lambda: fit(plain, tf.data.Dataset.from_tensor_slices(x)), 'batch the data set with dataset.batch'),
      (lambda: fit(plain, x, sample_weight=np.ones(3)), 'as many, got 29 for image, 3 for mask'),
      (lambda: fit(plain, {'image': x, 'label': y[:3]}), 'as many, got 29 for image, 3 for label'),
      (lambda: fit(plain, x, y, sample_weight=np.ones([len(x), 2])), r'shape \[N\], .* 2\)'),
      (lambda: fit(plain, {'image': x, 'mask': np.ones([len(x), 8])}), r'shape \[N\], .* 8\)'),
      (lambda: fit(plain, tf.data.Dataset.from_tensors({'image': x, 'mask': np.ones(3)})),
       r'one for each image of \(29, 8, 8, 1\), got \(3,\)'),
      (lambda: fit(plain, {'image': x, 'mask': y}, sample_weight=y), 'weights are there twice'),
      (lambda: fit(plain, {'image': x, 'mask': y}, y, sample_weight=y), 'weights are there twice'),
      (lambda: fit(given, x, y), "has no context; pass a dict with the keys 'image', 'context', "
       "'label'"),
      (lambda: given.initialize(x), 'has no context and no labels'),
      (lambda: given.initialize({**everything(), 'context': y}),
       r'the condition context must have the shape \[..., 3\]'),
      (lambda: given.initialize({**everything(), 'context': contexts()[:4]}),
       r'context must have the shape \[N, 3\] for 29 images, got \(4, 3\)'),
      (lambda: classes.initialize(x, y[:3]), r'the shape \[N\] for 29 images, got \(3,\)')):
    with pytest.raises(ValueError, match=message) as error:
      mistake()
    assert '\n' not in str(error.value)
