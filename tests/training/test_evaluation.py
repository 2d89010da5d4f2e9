"""Every image counts once, whatever the remainder and the replicas."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.training import tiny
from tfp_glow import training
from tfp_glow.training import noise
from tfp_glow.training import trained


class _Brightness:
  """A model whose bits/dim is a function of the image alone."""

  def bits_per_dim(self, images, unused_noise):
    return tf.reduce_mean(tf.cast(images, tf.float32), [1, 2, 3]) / 32.


def _expected(source):
  images = source.arrays('test')[0].numpy()
  bits = images.mean((1, 2, 3), np.float64) / 32.
  return bits.mean(), bits.std(ddof=1) / math.sqrt(bits.size)


@pytest.mark.parametrize('batch_size', [1, 7, 16, 53, 60])
@pytest.mark.parametrize('cluster', [tiny.one_device, tiny.two_devices])
def test_mean_and_error_over_53_images(source, batch_size, cluster):
  result = training.Evaluator(cluster(), _Brightness(), source, batch_size, noise_draws=1)()
  mean, error = _expected(source)
  assert result['num_images'] == 53 and result['noise_draws'] == 1
  assert result['eval_bpd'] == pytest.approx(mean, rel=1e-6)
  assert result['standard_error'] == pytest.approx(error, rel=1e-5)


def test_noise_draws_are_averaged(source):
  cluster = tiny.one_device()
  model = trained.make_model(tiny.config(), (8, 8, 1))
  images = source.arrays('test')[0]
  result = training.Evaluator(cluster, model, source, 53, noise_draws=3)()
  bits = np.mean([model.bits_per_dim(images, noise.batch_noise(-1 - draw, 0, images.shape))
                  for draw in range(3)], 0)
  assert result['eval_bpd'] == pytest.approx(bits.mean(), rel=1e-5)
  assert result['noise_draws'] == 3


def test_the_same_on_two_devices(source):
  def evaluate(cluster):
    with cluster.strategy.scope():
      model = trained.make_model(tiny.config(), (8, 8, 1))
    return training.Evaluator(cluster, model, source, 16, noise_draws=1)()
  one, two = evaluate(tiny.one_device()), evaluate(tiny.two_devices())
  assert one == {name: pytest.approx(value, rel=1e-5) for name, value in two.items()}


def test_can_be_broken_off(source):
  evaluator = training.Evaluator(tiny.one_device(), _Brightness(), source, 8, noise_draws=1)
  assert evaluator(interrupted=lambda: True) is None
