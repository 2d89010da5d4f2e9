"""ImageModel given labels: likelihoods for each class, Bayes' rule, samples of a class."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import distributions

_LABELS = [2, 0, 1, 2, 2]


def _model(**kwargs):
  """A model whose Variables have all moved."""
  options = dict(num_levels=2, depth=2, hidden_channels=4, num_classes=3) | kwargs
  flow = bijectors.Glow((8, 8, 1), **options)
  classifier = None
  if not options.get('condition_couplings'):
    classifier = distributions.LatentClassifier.trainable(8, 3)
  model = distributions.ImageModel(
      distributions.flow_distribution(flow, 1e-5), classifier=classifier)
  model.initialize(images(), noise(), labels=tf.constant(_LABELS))
  random = np.random.RandomState(0)
  for variable in model.trainable_variables:
    variable.assign_add(.05 * random.randn(*variable.shape).astype(np.float32))
  return model


@pytest.fixture(name='model', scope='module', params=[False, True], ids=['top', 'couplings'])
def fixture_model(request):
  return _model(condition_couplings=request.param)


def images(n=5):
  return tf.cast(tf.random.stateless_uniform(
      [n, 8, 8, 1], [0, 1], 0, 256, dtype=tf.int32), tf.uint8)


def noise(n=5):
  return distributions.uniform_noise([n, 8, 8, 1], [1, 2])


def test_likelihood_is_that_of_the_distribution(model):
  labels = tf.constant(_LABELS)
  x = distributions.dequantize(images(), noise())
  density = model.distribution.log_prob(
      x, bijector_kwargs={model.flow.name: dict(labels=labels)})
  np.testing.assert_allclose(
      model.log_prob(images(), noise(), labels=labels), density - 64 * math.log(256.), rtol=1e-6)
  np.testing.assert_allclose(
      model.bits_per_dim(images(), noise(), labels=labels),
      distributions.bits_per_dim(density, 64), rtol=1e-5)


def test_class_log_probs_are_the_likelihoods_one_by_one(model):
  found = tf.function(model.class_log_probs)(images(), noise())
  assert found.shape == (5, 3)
  for label in range(3):
    np.testing.assert_allclose(
        found[:, label], model.log_prob(images(), noise(), labels=tf.fill([5], label)), rtol=1e-5)
  assert np.all(np.abs(found[:, 0] - found[:, 1]) > 1e-3)


def test_without_labels_a_likelihood_is_the_mean_over_the_classes(model):
  given = np.float64([model.log_prob(images(), noise(), labels=tf.fill([5], label))
                      for label in range(3)])
  expected = np.logaddexp.reduce(given, 0) - math.log(3.)
  np.testing.assert_allclose(model.log_prob(images(), noise(), labels=None), expected, rtol=1e-6)


def test_bounds_of_many_draws_without_labels():
  model = _model(num_levels=1, depth=1, condition_couplings=True)
  draws = np.float64([
      model.class_log_probs(images(), distributions.noise_of_draw([5, 8, 8, 1], [7, 8], k))
      for k in range(2)])
  np.testing.assert_allclose(
      model.importance_weighted_log_prob(images(), 2, [7, 8]),
      np.logaddexp.reduce(draws, (0, 2)) - math.log(6.), rtol=1e-6)


def test_the_mean_over_the_classes_has_gradients():
  model = _model(num_levels=1, depth=1, condition_couplings=True)
  with tf.GradientTape() as tape:
    loss = -tf.reduce_mean(model.log_prob(images(), noise()))
  gradients = tape.gradient(loss, model.trainable_variables)
  with tf.GradientTape() as tape:
    loss = -tf.reduce_mean(tf.reduce_logsumexp(tf.stack(
        [model.log_prob(images(), noise(), labels=tf.fill([5], y)) for y in range(3)]), 0))
  for a, b in zip(gradients, tape.gradient(loss, model.trainable_variables)):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_bayes_rule_against_a_loop():
  model = _model(condition_couplings=True)
  log_probs = model.class_log_probs(images(), noise())
  for prior in (None, [.5, .2, .3], [0., 3., 1.]):
    found = model.class_probabilities(log_probs, prior)
    weights = np.ones(3) if prior is None else np.float64(prior)
    for n in (1, 4):
      shares = []
      for label in range(3):
        log_prob = model.log_prob(images()[n:n + 1], noise()[n:n + 1], labels=[label])[0]
        shares.append(weights[label] * np.exp(np.float64(log_prob - log_probs[n, 0])))
      np.testing.assert_allclose(found[n], shares / np.sum(shares), rtol=2e-3, atol=1e-6)
  np.testing.assert_allclose(tf.reduce_sum(found, -1), 1., rtol=1e-5)


def test_memory_does_not_grow_with_the_classes():
  """The classes are a loop in the graph, one after the other."""
  def count(num_classes):
    flow = bijectors.Glow((8, 8, 1), num_levels=1, depth=1, hidden_channels=4,
                          num_classes=num_classes)
    model = distributions.ImageModel(distributions.flow_distribution(flow))
    return len(tf.function(lambda: model.class_log_probs(images(), noise()))
               .get_concrete_function().graph.as_graph_def().node)

  assert count(2) == count(200)


def test_decode_undoes_encode(model):
  labels = tf.constant(_LABELS)
  latents = tf.identity(model.encode(images(), tf.fill([5, 8, 8, 1], .5), labels=labels))
  np.testing.assert_array_equal(model.quantize(model.decode(latents, labels=labels)), images())
  others = model.quantize(model.decode(latents, labels=tf.constant([0, 1, 2, 0, 1])))
  assert np.any(others != images())


def test_samples_of_a_class(model):
  labels = tf.constant([0, 1, 2])
  samples = model.sample(3, .7, [4, 5], labels=labels)
  assert samples.shape == (3, 8, 8, 1) and samples.dtype == tf.uint8
  np.testing.assert_array_equal(samples, model.sample(3, .7, [4, 5], labels=labels))
  cold = model.sample(3, 0., [4, 5], labels=tf.constant([0, 1, 0])).numpy()
  np.testing.assert_array_equal(cold[0], cold[2])
  assert np.any(cold[0] != cold[1])


def test_samples_without_labels_are_of_every_class(model):
  labels = model.sample_labels(3000, [4, 5])
  assert labels.dtype == tf.int32
  np.testing.assert_allclose(np.bincount(labels) / 3000., np.ones(3) / 3., atol=.03)
  np.testing.assert_array_equal(
      tf.function(model.sample_labels, jit_compile=True)(3000, [4, 5]), labels)
  samples = model.sample(4, .7, [4, 5])
  np.testing.assert_array_equal(
      samples, model.sample(4, .7, [4, 5], labels=model.sample_labels(4, [4, 5])))
  # Of the class the latent knows nothing.
  latents = model.sample_latents(3000, 1., [4, 5]).numpy()
  means = np.abs([latents[labels == label].mean(0) for label in range(3)])
  assert means.max() < 5. / math.sqrt(1000.)


def test_encode_without_labels_takes_the_likeliest():
  model = _model(condition_couplings=True)
  labels = model.likeliest_labels(images(), noise())
  log_probs = model.class_log_probs(images(), noise()).numpy()
  np.testing.assert_array_equal(labels, log_probs.argmax(-1))
  latents = model.encode(images(), noise())
  np.testing.assert_allclose(latents, model.encode(images(), noise(), labels=labels), atol=1e-5)
  np.testing.assert_array_equal(model.quantize(model.decode(latents, labels=labels)), images())


def test_bounds_of_many_draws_take_labels(model):
  labels = tf.constant(_LABELS)
  draws = [model.log_prob(images(), distributions.noise_of_draw([5, 8, 8, 1], [7, 8], k),
                          labels=labels)
           for k in range(3)]
  np.testing.assert_allclose(
      model.importance_weighted_log_prob(images(), 3, [7, 8], labels=labels),
      np.logaddexp.reduce(np.float64(draws), 0) - math.log(3.), rtol=1e-6)


def test_the_classifier_sees_the_latent_before_the_prior():
  """What it sees must not depend on the label that the prior was given."""
  model = _model()
  logits = []
  for labels in (_LABELS, [0, 1, 2, 0, 1]):
    bits, class_bits = model.bits_per_dim_and_class_bits(images(), noise(), tf.constant(labels))
    np.testing.assert_allclose(
        bits, model.bits_per_dim(images(), noise(), labels=labels), rtol=1e-6)
    z = model.encode(images(), noise(), labels=labels)
    h = model.flow.top.forward(model.flow.split_latents(z)[-1], labels=labels)
    logits.append(
        np.mean(h, (1, 2)) @ model.classifier.kernel.numpy() + model.classifier.bias.numpy())
    expected = [np.logaddexp.reduce(row) - row[label] for row, label in zip(logits[-1], labels)]
    np.testing.assert_allclose(class_bits, np.array(expected) / math.log(2.), rtol=1e-4)
  np.testing.assert_allclose(*logits, rtol=1e-3, atol=1e-4)


def test_both_losses_come_from_one_pass():
  model = _model()
  calls = []
  inverse = model.flow.levels[0]._inverse_and_log_det  # pylint: disable=protected-access
  model.flow.levels[0]._inverse_and_log_det = (  # pylint: disable=protected-access
      lambda *args, **kwargs: calls.append(1) or inverse(*args, **kwargs))
  tf.function(model.bits_per_dim_and_class_bits)(images(), noise(), tf.constant(_LABELS))
  assert len(calls) == 1


def test_classifier_gradients_reach_the_flow():
  model = _model()
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(
        model.bits_per_dim_and_class_bits(images(), noise(), tf.constant(_LABELS))[1])
  variables = [model.classifier.kernel, model.classifier.bias, model.flow.levels[0].linear.log_s]
  assert all(np.any(gradient != 0.) for gradient in tape.gradient(loss, variables))
  ids = [id(v) for v in model.trainable_variables]
  assert len(ids) == len(set(ids)) and id(model.classifier.kernel) in ids


def test_classes_change_nothing_else():
  """With the class prior at its start, a flow with classes is the one without."""
  plain = distributions.ImageModel(distributions.flow_distribution(
      bijectors.Glow((8, 8, 1), num_levels=2, depth=2, hidden_channels=4)))
  with_classes = distributions.ImageModel(distributions.flow_distribution(
      bijectors.Glow((8, 8, 1), num_levels=2, depth=2, hidden_channels=4, num_classes=3)))
  plain.initialize(images(), noise())
  with_classes.initialize(images(), noise(), labels=tf.constant(_LABELS))
  np.testing.assert_array_equal(
      plain.log_prob(images(), noise()), with_classes.log_prob(images(), noise(), labels=_LABELS))


def test_user_mistakes(model):
  for call in (lambda: model.decode(tf.zeros([1, 64])),
               lambda: model.initialize(images(), noise())):
    with pytest.raises(ValueError, match='the condition labels is missing'):
      call()
  with pytest.raises(ValueError, match='labels must lie between 0 and 2, got 3'):
    model.log_prob(images(), noise(), labels=[0, 1, 2, 3, 0])
  with pytest.raises(ValueError, match='labels has the batch shape'):
    model.log_prob(images(), noise(), labels=[0, 1])
  log_probs = tf.zeros([2, 3])
  for prior in ([.5, .5], [-1., 1., 1.], [0., 0., 0.]):
    with pytest.raises(ValueError, match='prior must be 3 numbers of at least 0'):
      model.class_probabilities(log_probs, prior)


def test_a_plain_multi_scale_with_a_class_prior_and_a_classifier():
  def make(scale):
    flow = bijectors.MultiScale(
        (4, 4, 1), [[bijectors.Squeeze(), *scale]], [], bijectors.ClassPrior.trainable(3, 4))
    return distributions.ImageModel(distributions.flow_distribution(flow),
                                    classifier=distributions.LatentClassifier.trainable(4, 3))

  pixels = images()[:, :4, :4]
  _, class_bits = make([]).bits_per_dim_and_class_bits(pixels, noise()[:, :4, :4], _LABELS)
  np.testing.assert_allclose(class_bits, np.full([5], math.log2(3.)), rtol=1e-6)
  with pytest.raises(ValueError, match='goes without condition_couplings'):
    make([bijectors.ClassPrior.trainable(3, 4)])


def test_classes_where_there_are_none():
  flow = bijectors.Glow((8, 8, 1), num_levels=1, depth=1, hidden_channels=4)
  model = distributions.ImageModel(distributions.flow_distribution(flow))
  with pytest.raises(ValueError, match='the condition labels is not known; it takes none'):
    model.log_prob(images(), noise(), labels=_LABELS)
  with pytest.raises(ValueError, match='the flow has no classes'):
    model.class_log_probs(images(), noise())
  classifier = distributions.LatentClassifier.trainable(4, 3)
  with pytest.raises(ValueError, match='a classifier needs a flow with classes'):
    distributions.ImageModel(model.distribution, classifier=classifier)
  flow = bijectors.Glow((8, 8, 1), num_levels=1, depth=1, hidden_channels=4, num_classes=3,
                        condition_couplings=True)
  with pytest.raises(ValueError, match='goes without condition_couplings'):
    distributions.ImageModel(distributions.flow_distribution(flow), classifier=classifier)
