"""The training loop: what a run leaves behind, and how it goes on."""

import glob
import os
import shutil

import numpy as np
from PIL import Image
import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import evaluation
from tfp_glow import runs
from tfp_glow import training

pytestmark = pytest.mark.usefixtures('stub_flow')


def test_a_run_leaves_its_config(stub_run):
  assert runs.Workdir(stub_run).read_config().to_dict() == tiny.config(sample_every=6).to_dict()


def test_a_run_leaves_metrics(stub_run):
  lines = tiny.lines(stub_run)
  assert [line['step'] for line in lines if 'train_bpd' in line] == [3, 6, 9, 12]
  assert [line['step'] for line in lines if 'eval_bpd' in line] == [6, 12]
  assert not [line for line in lines if 'event' in line]
  bits = [line['train_bpd'] for line in lines if 'train_bpd' in line]
  assert 0 < bits[-1] < bits[0] < 10
  for line in lines:
    assert 0 < line['train_s'] <= line['wall_s']
  assert lines[-1]['train_s'] < lines[-1]['wall_s'], 'evaluation does not count as training'


def test_training_images_are_measured_as_test_images_are(stub_run, source):
  """With the averaged weights and the same noise, on as many images."""
  config = tiny.config(sample_every=6)
  evaluator = evaluation.Evaluator(
      tiny.one_device(), runs.load_trained(config, stub_run).model, source, 16, noise_draws=1)
  result = evaluator('train', max_images=53)
  assert result['num_images'] == 53
  last = tiny.lines(stub_run)[-1]
  assert last['eval_train_bpd'] == pytest.approx(result['eval_bpd'], rel=1e-6)
  assert last['eval_train_bpd'] != last['eval_bpd']


def test_a_run_leaves_pictures(stub_run):
  pictures = sorted(
      name for name in os.listdir(f'{stub_run}/samples') if name.startswith('step_'))
  assert pictures == ['step_000006.png', 'step_000012.png']
  image = np.asarray(Image.open(f'{stub_run}/samples/step_000012.png'))
  assert image.shape == (2 * 8 + 2, 2 * 8 + 2)
  assert glob.glob(f'{stub_run}/tensorboard/events.*')
  assert Image.open(f'{stub_run}/curves.png').size == (600, 400)


def test_a_stub_run_is_left_as_it_is(stub_run, tmp_path, capfd):
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  before = _files(path)
  assert training.train(tiny.config(sample_every=6), path, tiny.one_device()) is None
  assert _files(path) == before
  assert 'is finished (12 steps)' in capfd.readouterr().err


def test_another_config_is_refused_with_the_difference(stub_run):
  before = _files(stub_run)
  with pytest.raises(errors.UserError, match=r'batch_size: 8 -> 16; model\.depth: 2 -> 3'):
    training.train(tiny.config(batch_size=16, model__depth=3), stub_run, tiny.one_device())
  assert _files(stub_run) == before


def test_resuming_gives_the_bytes_of_an_uninterrupted_run(stub_run, tmp_path):
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  tiny.drop_newest(path)
  lines_before = tiny.lines(path)
  config = tiny.config(sample_every=6)
  result = training.train(config, path, tiny.one_device())
  assert result == {name: lines_before[-1][name] for name in result}
  assert tiny.weights(path) == tiny.weights(stub_run)
  resumed = tiny.lines(path)[len(lines_before):]
  assert resumed[0]['event'] == 'resume' and resumed[0]['step'] == 8
  times = [line['train_s'] for line in tiny.lines(path)]
  assert resumed[0]['train_s'] >= [l for l in lines_before if l['step'] <= 8][-1]['train_s']
  assert times[-1] > resumed[0]['train_s']
  def numbers(lines):
    return [(line['step'], line['train_bpd'], line['grad_norm'])
            for line in lines if 'train_bpd' in line]
  assert numbers(resumed) == [n for n in numbers(lines_before) if n[0] > 8]


def test_what_ends_a_run_at_its_start_has_a_line_of_its_own(stub_run, tmp_path, capfd):
  """The bar is there already."""
  path = str(tmp_path / 'run')
  shutil.copytree(stub_run, path)
  tiny.drop_newest(path)
  os.remove(f'{path}/metrics.jsonl')
  os.symlink('metrics.jsonl', f'{path}/metrics.jsonl')
  with pytest.raises(errors.UserError, match='metrics.jsonl cannot be written'):
    training.train(tiny.config(sample_every=6), path, tiny.one_device())
  error = capfd.readouterr().err
  assert 'step 8/12' in error and error.endswith('\n'), error


def test_a_batch_that_does_not_divide_is_refused(tmp_path):
  with pytest.raises(errors.UserError, match='batch_size=9 does not divide by the 2 replicas'):
    training.train(tiny.config(batch_size=9), str(tmp_path), tiny.two_devices())


def _files(path):
  result = {}
  for folder, _, names in os.walk(path):
    for name in names:
      with open(os.path.join(folder, name), 'rb') as f:
        result[os.path.join(folder, name)] = f.read()
  return result


def test_a_run_of_couplings(finished_run, monkeypatch, tmp_path):
  """What the stub leaves out: a real flow learns, and resumes to the byte."""
  monkeypatch.undo()
  monkeypatch.setattr('tfp_glow.data.load', lambda config: tiny.MemorySource())
  bits = [line['train_bpd'] for line in tiny.lines(finished_run) if 'train_bpd' in line]
  assert 5 < bits[-1] < bits[0] - .1
  path = str(tmp_path / 'run')
  shutil.copytree(finished_run, path)
  tiny.drop_newest(path)
  training.train(tiny.config(sample_every=6), path, tiny.one_device())
  assert tiny.weights(path) == tiny.weights(finished_run)


def test_a_level_that_drifts_is_warned_of_once_and_the_run_can_keep_activations(
    tmp_path, capfd, monkeypatch):
  monkeypatch.undo()
  monkeypatch.setattr('tfp_glow.data.load', lambda config: tiny.MemorySource())
  path = str(tmp_path / 'run')
  changes = dict(recovery__max_level_drift=1e-12, log_every=3, eval_every=0,
                 optimizer__schedule='constant')
  training.train(tiny.config(num_steps=3, model__reversible=True, **changes), path,
                 tiny.one_device())
  warnings = [line for line in tiny.lines(path) if line.get('event') == 'level_drift']
  first = next(line for line in tiny.lines(path) if 'level_0_drift' in line)
  assert [(line['step'], line['level']) for line in warnings] == [(3, 0)]
  assert warnings[0]['drift'] == first['level_0_drift'] > 1e-12
  said = capfd.readouterr().err
  assert said.count('Warning: ') == 1 and 'continue it with --config.model.reversible=False' in said
  training.train(tiny.config(num_steps=6, **changes), path, tiny.one_device())
  assert [line['step'] for line in tiny.lines(path) if 'train_bpd' in line] == [3, 6]
  assert 'level_0_drift' not in tiny.lines(path)[-2]
