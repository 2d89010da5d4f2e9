"""AUROC = P(outside > inside) + P(outside = inside) / 2."""

import numpy as np
import pytest

from tfp_glow import evaluation


def test_is_the_share_of_pairs_in_order():
  random = np.random.RandomState(0)
  inside, outside = random.randint(0, 9, 40), random.randint(2, 12, 31)  # With many ties.
  above = (outside[:, None] > inside).mean() + (outside[:, None] == inside).mean() / 2.
  assert evaluation.auroc(inside, outside) == pytest.approx(above, abs=1e-12)
  assert evaluation.auroc(outside, inside) == pytest.approx(1. - above, abs=1e-12)


@pytest.mark.parametrize('inside, outside, expected', [
    ([1., 2.], [3.], 1.), ([3.], [1., 2.], 0.), ([5., 5.], [5., 5., 5.], .5), ([0., 2.], [1.], .5)])
def test_by_hand(inside, outside, expected):
  assert evaluation.auroc(np.array(inside), np.array(outside)) == expected
