"""Samples with the fine scales drawn anew."""

import os

from PIL import Image
import pytest

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow.commands import scales


@pytest.mark.usefixtures('faces_run')
def test_scales(tmp_path, grid_size):
  config = tiny.make_config()
  path = scales.run(config, str(tmp_path), num_samples=2, temperature=0.5)['path']
  assert os.path.basename(path) == 'scales_step_7_temperature_0.5_seed_0.png'
  assert Image.open(path).size == grid_size(10, 4)
  with pytest.raises(errors.UserError, match='--temperature=-1'):
    scales.run(config, str(tmp_path), temperature=-1)
