"""train.py evaluates, resumes and exports runs that earlier versions left, from what lies there alone."""

import json
import os
import tarfile

import pytest

import tfp_glow
from tests import tiny_run
from tests.chaos import command_line

# What the version that made a run printed when it evaluated it, with one draw of noise.
_RUNS = {'version_0_1': 2.4025, 'version_0_2': 3.2215}


@pytest.fixture(name='old', params=_RUNS)
def fixture_old(request, tmp_path):
  archive = os.path.join(os.path.dirname(__file__), f'{request.param}.tar.xz')
  with tarfile.open(archive) as archive:
    archive.extractall(tmp_path, filter='data')
  return request.param, str(tmp_path)


def _bits(out):
  result = json.loads(out)
  # Version 0.1 gave a model with classes the labels.
  return result.get('eval_bpd_given_label', result['eval_bpd'])


def test_run(old):
  name, cwd = old
  code, out, err = command_line.run(['--mode=evaluate', '--workdir=run'], cwd)
  assert code == 0, err
  assert _bits(out) == pytest.approx(_RUNS[name], abs=3e-3)

  code, out, err = command_line.run(['--workdir=run', '--config.num_steps=6'], cwd)
  assert code == 0, err
  assert 'Continuing the run in run from ckpt-' in err and ', step 4 of 6.' in err
  assert json.loads(out)['step'] == 6 and _bits(out) < _RUNS[name]
  steps = [line['step'] for line in tiny_run.lines(os.path.join(cwd, 'run'))]
  assert steps[0] <= 2 and steps[-1] == 6, 'the old lines stay'

  assert 'Exported to run/export/6.' in err
  for step in ('4', '6'):
    model = tfp_glow.load(os.path.join(cwd, 'run', 'export', step))
    assert model.sample(2).shape == (2, 28, 28, 1)
