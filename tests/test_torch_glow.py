"""The plain PyTorch Glow that tfp_glow is compared with is a flow, where PyTorch is installed.

    log p(x) = log N(z) + log|det dz/dx|
"""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from benchmarks import torch_glow  # pylint: disable=wrong-import-position


@pytest.fixture(name='flow', scope='module')
def _flow():
  """A flow of two levels whose every weight does something, initialised, in float64."""
  torch.manual_seed(0)
  flow = torch_glow.Glow((1, 8, 8), levels=2, depth=2, width=4).double()
  flow(torch.rand(16, 1, 8, 8, dtype=torch.float64))
  with torch.no_grad():
    for weight in flow.parameters():
      weight.add_(.2 * torch.randn_like(weight))
  return flow


def test_log_det_is_that_of_the_numerical_jacobian(flow):
  x, eps = torch.rand(1, 1, 8, 8, dtype=torch.float64), 1e-5
  steps = (eps * torch.eye(64, dtype=torch.float64)).reshape(64, 1, 8, 8)
  with torch.no_grad():
    flat = lambda x: torch.cat([z.flatten(1) for z in flow(x)[0]], 1)
    jacobian = (flat(x + steps) - flat(x - steps)) / (2 * eps)
    log_det = flow(x)[1]
  np.testing.assert_allclose(log_det, torch.linalg.slogdet(jacobian)[1][None], atol=1e-6)


def test_latents_lead_back(flow):
  x = torch.rand(3, 1, 8, 8, dtype=torch.float64)
  with torch.no_grad():
    np.testing.assert_allclose(flow.inverse(flow(x)[0]), x, atol=1e-9)
