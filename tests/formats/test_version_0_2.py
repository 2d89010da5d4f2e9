"""A run of this version's format is evaluated, resumed and exported by train.py.

`version_0_2.tar.xz` holds what `python -m tests.formats.make` made: a run with origin.json,
validation images and an export with a manifest.
"""

import json
import os
import tarfile

import pytest

from tests import tiny_run
from tests.chaos import command_line
import tfp_glow

# What was printed when the run was made and evaluated, with one draw of noise.
_EVAL_BPD, _ONE_DRAW = 3.2215, 3e-3


def test_run_is_evaluated_resumed_and_exported(tmp_path):
  cwd = str(tmp_path)
  with tarfile.open(os.path.join(os.path.dirname(__file__), 'version_0_2.tar.xz')) as archive:
    archive.extractall(cwd, filter='data')
  code, out, err = command_line.run(['--mode=evaluate', '--workdir=run'], cwd)
  assert code == 0, err
  assert json.loads(out)['eval_bpd'] == pytest.approx(_EVAL_BPD, abs=_ONE_DRAW)

  code, out, err = command_line.run(['--workdir=run', '--config.num_steps=6'], cwd)
  assert code == 0, err
  assert 'Continuing the run in run from ckpt-' in err and ', step 4 of 6.' in err
  result = json.loads(out)
  assert result['step'] == 6 and result['eval_bpd'] < _EVAL_BPD
  steps = [line['step'] for line in tiny_run.lines(os.path.join(cwd, 'run'))]
  assert steps[0] <= 2 and steps[-1] == 6, 'the old lines stay'

  assert 'Exported to run/export/6.' in err
  for step in ('4', '6'):
    model = tfp_glow.load(os.path.join(cwd, 'run', 'export', step))
    assert model.sample(2).shape == (2, 28, 28, 1)
