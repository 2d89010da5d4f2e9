"""The tutorial's flows: where their couplings' weights come from."""

import numpy as np

from tfp_glow import bijectors


def _kernels(flow):
  """What each coupling's first convolution starts with."""
  return [next(v.numpy() for v in coupling.trainable_variables if v.shape.rank == 4)
          for scale in flow.scales for coupling in scale if coupling.trainable_variables]


def test_weights_depend_on_seed_and_place_alone():
  simple = lambda num, seed: bijectors.tutorial_simple(
      (4, 4, 1), hidden_channels=2, num_couplings=num, seed=seed)
  few, many = _kernels(simple(2, 0)), _kernels(simple(4, 0))
  for a, b in zip(few, many):
    np.testing.assert_array_equal(a, b)
  starts = [*many, *_kernels(simple(2, 1)), *_kernels(simple(2, 1000))]
  assert len({tuple(kernel.ravel()[:4]) for kernel in starts}) == 8


def test_every_coupling_of_the_multi_scale_flow_has_weights_of_its_own():
  flow = bijectors.tutorial_multi_scale((4, 4, 1), hidden_channels=(2, 2, 2))
  ratios = {tuple(np.round(k.ravel()[:4] / k.ravel()[4], 4)) for k in _kernels(flow)}
  assert len(ratios) == 8
