"""Bits/dim of the libraries side by side mean the same, and what was measured becomes a table.

    bits/dim = -(log p(x) - D log 256) / (D log 2),   x = (image + noise) / 256
"""

import os

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import side_flows
from benchmarks import side_results
from configs import base
from tfp_glow import distributions

_SETTINGS = dict(levels=1, depth=1, hidden_channels=2, learning_rate=1e-3, channels_last=False)


def _line(label, seconds, train_s, bpd, started='1'):
  return dict(label=label, seconds=seconds, started=started, train_s=train_s, step=int(train_s),
              num_weights=1_000, bpd=bpd, standard_error=.01,
              machine=dict(processor='a', cores='2'))


def test_the_last_run_of_each_label_and_length_counts():
  runs = side_results.last_runs([
      _line('a', 60., 60.2, 9.), _line('a', 60., 60.1, 4., started='2'),
      _line('b', 60., 60.3, 3.), _line('a', 600., 60.1, 5.), _line('a', 600., 120.4, 2.)])
  assert side_results.table(runs).splitlines() == [
      '| flow | seconds of training | steps | weights | test bits/dim |',
      '|---|---|---|---|---|',
      '| b | 60 | 60 | 1,000 | 3.000 +- 0.010 |',
      '| a | 60 | 60 | 1,000 | 4.000 +- 0.010 |',
      '| a | 120 of 600 | 120 | 1,000 | 2.000 +- 0.010 |',
      '', 'processor a, cores 2']


def test_draws(tmp_path):
  path = os.path.join(tmp_path, 'side.png')
  runs = side_results.last_runs([_line('a', 60., 60., 4.), _line('a', 9., 9., 5.)])
  side_results.draw(runs, path)
  assert os.path.getsize(path) > 1_000


@pytest.mark.parametrize('logit_alpha', [0., 1e-5])
def test_bits_per_dim_of_pytorch_are_ours(monkeypatch, logit_alpha):
  """Under the same density, a standard normal of the logit or of the image less 1/2."""
  torch = pytest.importorskip('torch')
  normal = torch.distributions.Normal(0., 1.)
  monkeypatch.setitem(side_flows.TORCH_FLOWS, 'normal', (
      lambda *_: torch.nn.Linear(1, 1), lambda _, x: normal.log_prob(x).sum((1, 2, 3))))
  theirs = side_flows.OfTorch(
      'normal', (8, 8, 1), dict(_SETTINGS, logit_alpha=logit_alpha), 1., .999)
  config = base.defaults().model
  # Its networks start at zero, where it changes nothing.
  config.update(name='tutorial_simple', logit_alpha=logit_alpha)
  ours = distributions.build_image_model(config, (8, 8, 1))
  rng = np.random.default_rng(0)
  batch = {'image': tf.constant(rng.integers(0, 256, (3, 8, 8, 1)), tf.uint8)}
  batch['image'] *= tf.constant([0, 1, 1], tf.uint8)[:, None, None, None]  # One is black.
  noise = tf.constant(rng.random((3, 8, 8, 1)), tf.float32)
  theirs.start(batch)
  np.testing.assert_allclose(theirs.bits_per_dim(batch['image'], noise),
                             ours.bits_per_dim(batch['image'], noise), rtol=1e-5)
