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

  num_classes = 0

  def log_prob_bounds(self, images, *unused):
    return (tf.reduce_mean(tf.cast(images, tf.float32), [1, 2, 3]) / 32.,)

  def in_bits_per_dim(self, log_prob):
    return log_prob


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
  bits = np.mean([model.bits_per_dim(images, noise.batch_noise(-1 - draw, 0, images.shape))
                  for draw in range(3)], 0)
  assert result['eval_bpd'] == pytest.approx(bits.mean(), rel=1e-5)
  assert result['noise_draws'] == 3 and 'importance_weighted_bpd' not in result


def test_importance_samples_leave_the_one_draw_bound_alone(source):
  """And give log mean exp of the draws, formula written out."""
  cluster = tiny.one_device()
  model = trained.make_model(tiny.config(), (8, 8, 1))
  images = source.arrays('test')[0]
  evaluate = lambda **options: evaluation.Evaluator(
      cluster, model, source, 53, noise_draws=1, **options)()
  result = evaluate(importance_samples=5)
  assert result.pop('importance_samples') == 5
  draws = np.float64([model.log_prob(images, noise.batch_noise(-1 - draw, 0, images.shape))
                      for draw in range(5)])
  expected = -(np.logaddexp.reduce(draws, 0) - math.log(5.)).mean() / (64 * math.log(2.))
  assert result.pop('importance_weighted_bpd') == pytest.approx(expected, rel=1e-5)
  assert expected < -draws.mean() / (64 * math.log(2.))
  assert result == pytest.approx(evaluate(), rel=1e-6)


def test_the_same_on_two_devices(source):
  def evaluate(cluster):
    with cluster.strategy.scope():
      model = trained.make_model(tiny.config(), (8, 8, 1))
    return evaluation.Evaluator(
        cluster, model, source, 16, noise_draws=3, importance_samples=3)()
  one, two = evaluate(tiny.one_device()), evaluate(tiny.two_devices())
  assert one == {name: pytest.approx(value, rel=1e-5) for name, value in two.items()}
  assert one['importance_weighted_bpd'] < one['eval_bpd']


def test_can_be_broken_off(source):
  evaluator = evaluation.Evaluator(tiny.one_device(), _Brightness(), source, 8, noise_draws=1)
  assert evaluator(interrupted=lambda: True) is None
