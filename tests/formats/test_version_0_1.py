"""What version 0.1 left on users' disks is resumed, evaluated, exported, loaded and served.

`version_0_1.tar.xz` holds two workdirs that `train.py` made before anything moved: `run`, four
steps on mnist5k with classes, average and best weights, with its export; and the config and
export of `plain`, a run without classes, with directions and examples.
"""

import json
import os
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run
from tests.chaos import command_line
import tfp_glow
from tfp_glow import runs
from tfp_glow.demo import page
from tfp_glow.demo import served_model

# What version 0.1 printed when it evaluated the run, with one draw of noise.
_EVAL_BPD, _ONE_DRAW = 2.4025, 3e-3


@pytest.fixture(scope='module')
def old(tmp_path_factory):
  folder = tmp_path_factory.mktemp('version_0_1')
  with tarfile.open(os.path.join(os.path.dirname(__file__), 'version_0_1.tar.xz')) as archive:
    archive.extractall(folder, filter='data')
  return folder


def test_run_is_evaluated_resumed_and_exported(old):
  """By train.py, from what lies there alone."""
  cwd, workdir = str(old), runs.Workdir(str(old / 'run'))
  old_names = tf.train.load_checkpoint(workdir.checkpoints).get_variable_to_shape_map()
  assert 'progress/kept_levels/.ATTRIBUTES/VARIABLE_VALUE' in old_names  # Nobody wants it now.
  code, out, err = command_line.run(['--mode=evaluate', '--workdir=run'], cwd)
  assert code == 0, err
  before = json.loads(out)
  assert before['step'] == 4
  assert before['eval_bpd_given_label'] == pytest.approx(_EVAL_BPD, abs=_ONE_DRAW)

  code, out, err = command_line.run(['--workdir=run', '--config.num_steps=6'], cwd)
  assert code == 0, err
  assert 'Continuing the run in run from ckpt-' in err and ', step 4 of 6.' in err
  result = json.loads(out)
  assert result['step'] == 6
  assert result['best_eval_step'] == 6  # Bits/dim fall by a tenth a step so early.
  # Chosen by what the run has chosen by before, which has another name now.
  assert result['best_eval_bpd_given_label'] == result['eval_bpd_given_label'] < _EVAL_BPD - .1
  lines = tiny_run.lines(workdir.path)
  steps = [line['step'] for line in lines]
  assert steps[:6] == [1, 2, 2, 3, 4, 4] and steps[-1] == 6  # The old lines stay.
  said = 'eval_bpd: given the label, which is eval_bpd_given_label now'
  assert said in err and said in str(lines[6]['changed'])

  assert 'Exported to run/export/6.' in err
  served = tf.saved_model.load(os.path.join(cwd, 'run', 'export', '6')).signatures['sample']
  assert served.structured_input_signature


@pytest.mark.parametrize('name', ['run', 'plain'])
def test_export_is_loaded_and_gives_what_it_serves(old, name):
  export = str(old / name / 'export' / '4')
  served = tf.saved_model.load(export).signatures
  model = tfp_glow.load(export)
  latents = np.random.RandomState(0).normal(size=[3, model.event_size]).astype(np.float32)
  labels = {'labels': tf.constant([0, 4, 9])} if model.num_classes else {}
  decoded = served['decode'](latents=tf.constant(latents), **labels)['unrounded_images']
  np.testing.assert_allclose(model.decode(latents, **labels), decoded, atol=1e-5)


@pytest.mark.parametrize('name', ['run', 'plain'])
def test_export_opens_in_the_page(old, name):
  model = served_model.ServedModel(str(old / name))
  assert page.make_page(model).config['components']
  found = model.read(np.full(model.image_shape, 7, np.uint8))
  assert bool(model.classes) == (found.label is not None)
  np.testing.assert_array_equal(model.decode(found.latent, found.label), 7)
