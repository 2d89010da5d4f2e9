"""log p, |log p - entropy| and log p less a compressor's bits, each written out."""

import numpy as np
import pytest

from tests import tiny_run as tiny
from tfp_glow import evaluation
from tfp_glow.evaluation import scores as scores_lib
from tfp_glow.runs import trained


def test_typicality_by_hand():
  bits = np.array([1., 2., 6.])
  assert sorted(scores_lib.typicality(bits, 2.5)) == [.5, 1.5, 3.5]
  assert scores_lib.typicality(bits, 2.5, group=3) == [.5]
  assert scores_lib.typicality(bits, 2.5, group=2).shape == (1,)
  assert scores_lib.typicality(bits, 2.5, group=10) == [.5], 'fewer images are one group'


def test_typicality_groups_are_not_of_one_class():
  """Of data that come sorted, groups are mixed: their means vary little."""
  bits = np.repeat(np.arange(10.), 100)
  assert scores_lib.typicality(bits, bits.mean(), group=10).mean() < 1.5


@pytest.fixture(name='scored', scope='module')
def fixture_scored():
  source = tiny.MemorySource()
  model = trained.make_model(tiny.config(), (8, 8, 1))
  images, train = source.arrays('test')[0].numpy(), source.arrays('train')[0].numpy()
  return source, model, images, train, evaluation.Scores(model, train, 16)(images)


def test_log_prob_is_that_of_the_evaluation(scored):
  source, model, _, _, scores = scored
  evaluator = evaluation.Evaluator(tiny.one_device(), model, source, 16, noise_draws=1)
  assert scores['log_prob'].shape == (53,)
  assert scores['log_prob'].mean() == pytest.approx(evaluator()['eval_bpd'], rel=1e-5)


def test_other_scores_follow_from_it(scored):
  source, model, images, _, scores = scored
  evaluator = evaluation.Evaluator(tiny.one_device(), model, source, 16, noise_draws=1)
  entropy = evaluator('train')['eval_bpd']
  np.testing.assert_allclose(
      np.sort(scores['typicality']), np.sort(np.abs(scores['log_prob'] - entropy)), atol=1e-4)
  assert scores['typicality_of_10'].shape == (5,)
  np.testing.assert_allclose(
      scores['complexity_corrected'],
      scores['log_prob'] - evaluation.compressed_bits(images) / 64, rtol=1e-6)
  assert tuple(scores) == scores_lib.NAMES
