"""Every image counts once, whatever the remainder and the replicas."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import evaluation
from tfp_glow.distributions import noise
from tfp_glow.runs import trained


class _Brightness:
  """A model whose bits/dim is a function of the image alone."""

  conditions = ()
  num_classes = 0

  def log_prob(self, images, noise):
    del noise
    return tf.reduce_mean(tf.cast(images, tf.float32), [1, 2, 3]) / 32.

  def in_bits_per_dim(self, log_prob):
    return log_prob


def _noise(draw):
  return noise.noise_of_images(-1 - draw, tf.range(53), (8, 8, 1))


def _expected(source):
  images = source.arrays('test')[0].numpy()
  bits = images.mean((1, 2, 3), np.float64) / 32.
  return bits.mean(), bits.std(ddof=1) / math.sqrt(bits.size)


@pytest.mark.parametrize('batch_size', [1, 7, 16, 53, 60])
@pytest.mark.parametrize('cluster', [tiny.one_device, tiny.two_devices])
def test_mean_and_error_over_53_images(source, batch_size, cluster):
  result = evaluation.Evaluator(cluster(), _Brightness(), source, batch_size, noise_draws=1)()
  mean, error = _expected(source)
  assert result['num_images'] == 53 and result['noise_draws'] == 1
  assert result['eval_bpd'] == pytest.approx(mean, rel=1e-6)
  assert result['standard_error'] == pytest.approx(error, rel=1e-5)


def test_noise_draws_are_averaged(source):
  cluster = tiny.one_device()
  model = trained.make_model(tiny.config(), (8, 8, 1))
  images = source.arrays('test')[0]
  result = evaluation.Evaluator(cluster, model, source, 53, noise_draws=3)()
  bits = np.mean([model.bits_per_dim(images, _noise(draw))
                  for draw in range(3)], 0)
  assert result['eval_bpd'] == pytest.approx(bits.mean(), rel=1e-5)
  assert result['noise_draws'] == 3 and 'importance_weighted_bpd' not in result


def test_importance_samples_leave_the_one_draw_bound_alone(source):
  """And give log mean exp of the draws, formula written out."""
  cluster = tiny.one_device()
  model = trained.make_model(tiny.config(), (8, 8, 1))
  images = source.arrays('test')[0]
  evaluate = lambda **options: evaluation.Evaluator(
      cluster, model, source, 53, noise_draws=7, **options)()
  result = evaluate(importance_samples=5)
  assert result.pop('importance_samples') == 5
  draws = np.float64([model.log_prob(images, _noise(draw))
                      for draw in range(5)])
  expected = -(np.logaddexp.reduce(draws, 0) - math.log(5.)).mean() / (64 * math.log(2.))
  assert result.pop('importance_weighted_bpd') == pytest.approx(expected, rel=1e-5)
  assert expected < -draws.mean() / (64 * math.log(2.))
  assert result == pytest.approx(evaluate(), rel=1e-6)


def test_the_same_with_other_devices_and_batches(source):
  """With batches of 9, two devices round up to 10."""
  def evaluate(cluster, batch_size):
    with cluster.strategy.scope():
      model = trained.make_model(tiny.config(), (8, 8, 1))
    return evaluation.Evaluator(
        cluster, model, source, batch_size, noise_draws=3, importance_samples=3)()
  one, *others = [evaluate(tiny.one_device(), 16), evaluate(tiny.one_device(), 53),
                  evaluate(tiny.two_devices(), 9)]
  for other in others:
    assert one == {name: pytest.approx(value, rel=1e-6) for name, value in other.items()}
  assert one['importance_weighted_bpd'] < one['eval_bpd']


@pytest.mark.parametrize('batch_size', [8, 20])
def test_the_first_images_alone(source, batch_size):
  evaluator = evaluation.Evaluator(
      tiny.two_devices(), _Brightness(), source, batch_size, noise_draws=1)
  result = evaluator('train', max_images=21)
  expected = source.arrays('train')[0].numpy()[:21].mean(dtype=np.float64) / 32.
  assert result['num_images'] == 21 and result['eval_bpd'] == pytest.approx(expected, rel=1e-6)
  assert evaluator('train', max_images=10**6)['num_images'] == 96


def test_can_be_broken_off_between_two_draws(source):
  evaluator = evaluation.Evaluator(
      tiny.one_device(), _Brightness(), source, 53, noise_draws=1, importance_samples=10**15)
  asked = iter([False, False, True])
  assert evaluator(interrupted=lambda: next(asked)) is None


class _Classes:
  """A model of four classes with log p(image | label) that an image and a label make."""

  conditions, num_classes = ('labels',), 4

  def log_prob(self, images, noise, labels):
    return tf.gather(self.class_log_probs(images, noise), labels, batch_dims=1)

  def class_log_probs(self, images, noise):
    brightness = tf.reduce_mean(tf.cast(images, tf.float32), [1, 2, 3]) / 32.
    return tf.reduce_mean(noise, [1, 2, 3])[:, None] + tf.stack(
        [tf.sin(brightness * (label + 1)) for label in range(4)], -1)

  def in_bits_per_dim(self, log_prob):
    return -log_prob


@pytest.mark.parametrize('cluster', [tiny.one_device, tiny.two_devices])
def test_with_classes_the_label_is_summed_out_and_told(cluster):
  source = tiny.LabelledSource()
  images, labels = [array.numpy() for array in source.arrays('test')]
  draws = np.float64([_Classes().class_log_probs(images, _noise(draw)) for draw in range(5)])
  given = np.take_along_axis(draws, labels[None, :, None], -1)[..., 0]
  marginal = np.logaddexp.reduce(draws, -1) - math.log(4.)
  evaluator = evaluation.Evaluator(
      cluster(), _Classes(), source, 16, noise_draws=2, importance_samples=5)
  weighted = lambda log_probs: -(np.logaddexp.reduce(log_probs, 0) - math.log(5.)).mean()
  expected = dict(
      eval_bpd=-marginal[:2].mean(), eval_bpd_given_label=-given[:2].mean(),
      standard_error=marginal[:2].mean(0).std(ddof=1) / math.sqrt(53.),
      importance_weighted_bpd=weighted(marginal),
      importance_weighted_bpd_given_label=weighted(given),
      accuracy=(draws[:2].mean(0).argmax(-1) == labels).mean(),
      num_images=53, noise_draws=2, importance_samples=5)
  assert .1 < expected['accuracy'] < .9
  assert evaluator() == pytest.approx(expected, rel=1e-5)
  for name in ('eval_bpd', 'importance_weighted_bpd', 'accuracy'):
    del expected[name]
  expected.update(standard_error=given[:2].mean(0).std(ddof=1) / math.sqrt(53.))
  assert evaluator(given_label=True) == pytest.approx(expected, rel=1e-5)
