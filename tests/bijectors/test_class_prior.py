"""ClassPrior:

    inverse   z = (x + bias[y]) * exp(log_scale[y])
    forward   x = z * exp(-log_scale[y]) - bias[y]
    log|det dz/dx| = H * W * sum(log_scale[y])
"""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors

_LABELS = [2, 0, 2, 1]


@pytest.fixture(name='prior', scope='module')
def fixture_prior():
  return checks.perturb(bijectors.ClassPrior.trainable(3, 4, tf.float64), 0.5)


def test_starts_as_the_identity_for_every_class():
  prior = bijectors.ClassPrior.trainable(3, 4)
  x = checks.normal([4, 2, 2, 4], tf.float32)
  z, log_det = prior.inverse_and_log_det(x, labels=_LABELS)
  np.testing.assert_array_equal(z, x)
  np.testing.assert_array_equal(log_det, np.zeros(4))
  assert len(prior.trainable_variables) == 2


def test_follows_the_formula(prior):
  x = checks.normal([4, 2, 3, 4])
  bias, log_scale = prior.bias.numpy()[_LABELS], prior.log_scale.numpy()[_LABELS]
  z, log_det = prior.inverse_and_log_det(x, labels=_LABELS)
  np.testing.assert_allclose(
      z, (x + bias[:, None, None]) * np.exp(log_scale)[:, None, None], rtol=1e-12)
  np.testing.assert_allclose(log_det, 6. * log_scale.sum(-1), rtol=1e-12)


def test_lists_are_parameters_too(prior):
  x = checks.normal([4, 2, 3, 4], tf.float32)
  lists = bijectors.ClassPrior(prior.bias.numpy().tolist(), prior.log_scale.numpy().tolist())
  z, log_det = lists.inverse_and_log_det(x, labels=_LABELS)
  assert lists.num_classes == 3 and z.dtype == tf.float32
  expected = prior.inverse_and_log_det(tf.cast(x, tf.float64), labels=_LABELS)
  np.testing.assert_allclose(z, expected[0], rtol=1e-5)
  np.testing.assert_allclose(log_det, expected[1], rtol=1e-5)
  for bias, log_scale in (([0.], [0.]), ([[0.]], [[0., 0.]])):
    with pytest.raises(ValueError, match=r'must have the shape \[num_classes, channels\], got'):
      bijectors.ClassPrior(bias, log_scale)


def test_log_det_is_the_numerical_jacobians(prior):
  x = checks.normal([4, 2, 3, 4])
  log_det = prior.inverse_log_det_jacobian(x, event_ndims=3, labels=_LABELS)
  for one, label, value in zip(x, _LABELS, log_det):
    # A step for each pixel and channel, all of one image, so all of one class.
    inverse = functools.partial(prior.inverse, labels=[label] * 24)
    np.testing.assert_allclose(value, checks.numerical_log_det(inverse, one), rtol=1e-6)


@pytest.mark.parametrize('dtype', [tf.float32, tf.float64], ids=lambda d: d.name)
def test_round_trip(dtype):
  prior = checks.perturb(bijectors.ClassPrior.trainable(3, 4, dtype), 0.5)
  x = checks.normal([2, 2, 3, 3, 4], dtype)
  labels = tf.reshape(_LABELS, [2, 2])
  z, ildj = prior.inverse_and_log_det(x, labels=labels)
  assert ildj.shape == [2, 2]
  back, fldj = prior.forward_and_log_det(z, labels=labels)
  np.testing.assert_allclose(back, x, **checks.TOLERANCE[dtype])
  np.testing.assert_allclose(ildj, -fldj, rtol=1e-6)


def test_gradients_reach_the_classes_of_the_batch_alone(prior):
  with tf.GradientTape() as tape:
    z, log_det = prior.inverse_and_log_det(checks.normal([2, 2, 2, 4]), labels=[0, 2])
    loss = tf.reduce_sum(z**2) / 2. - tf.reduce_sum(log_det)
  for gradient in tape.gradient(loss, prior.trainable_variables):
    assert np.all(gradient[1] == 0.) and np.all(gradient.numpy()[[0, 2]] != 0.)


@pytest.mark.parametrize('labels, message', [
    (None, 'the condition labels is missing; pass labels='),
    ([0, 1, 3, 0], 'labels must lie between 0 and 2, got 3'),
    ([0, -1, 2, 0], 'labels must lie between 0 and 2, got -1'),
    ([0, 1], r'labels has the batch shape \(2,\), which does not broadcast with \(4,\)'),
    ([0., 1., 2., 0.], 'labels must be integers, got float32')])
def test_user_mistakes(prior, labels, message):
  with pytest.raises(ValueError, match=message):
    prior.inverse(checks.normal([4, 2, 2, 4]), labels=labels)


def test_user_mistakes_that_only_the_running_graph_sees(prior):
  traced = tf.function(
      lambda x, labels: prior.inverse(x, labels=labels),
      input_signature=[tf.TensorSpec([None, 2, 2, 4], tf.float64), tf.TensorSpec([None], tf.int64)])
  x = checks.normal([3, 2, 2, 4])
  np.testing.assert_array_equal(
      traced(x, tf.constant([0, 1, 2], tf.int64)), prior.inverse(x, labels=[0, 1, 2]))
  with pytest.raises(tf.errors.InvalidArgumentError, match='labels must lie between 0 and 2'):
    traced(x, tf.constant([0, 1, 3], tf.int64))
  with pytest.raises(tf.errors.InvalidArgumentError, match='ncompatible shapes'):
    traced(x, tf.constant([0, 1], tf.int64))
