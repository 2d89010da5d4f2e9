"""The command line as a user would use it, from real images to pictures."""

import json
import os
import signal
import subprocess
import sys
import time

from PIL import Image
import pytest

from tests.chaos import command_line
from tests.chaos import tiny_data

_ROOT = tiny_data.root()
_TINY = [
    *tiny_data.FLAGS, '--config.dataset.image_size=8', '--config.dataset.resize=center_crop']


@pytest.fixture(name='images', scope='module')
def _images(tmp_path_factory):
  """A folder of 80 colour pictures, as a user has them."""
  folder = str(tmp_path_factory.mktemp('pictures'))
  tiny_data.folder_flags(folder)
  return folder


class _Program:
  """train.py, started in one folder, and what it needs to be told.

  Calling it runs its `main` in this process, which has loaded TensorFlow already; `process`
  starts a real one. Both return the exit code, stdout and stderr.
  """

  def __init__(self, cwd, prepared, images):
    self.cwd = str(cwd)
    self.config = [f'--config={_ROOT}/configs/folder.py', f'--config.dataset.data_dir={images}']
    self._environment = {'TFDS_DATA_DIR': str(prepared)}

  def process(self, *arguments):
    environment = {**os.environ, **self._environment}
    environment.pop('TF_CPP_MIN_LOG_LEVEL', None)
    environment.pop('TF_CONFIG', None)
    done = subprocess.run(
        [sys.executable, command_line.PROGRAM, *arguments], cwd=self.cwd, env=environment,
        capture_output=True, text=True, check=False, timeout=600)
    return done.returncode, done.stdout, done.stderr

  def __call__(self, *arguments):
    return command_line.run(arguments, self.cwd, self._environment)


@pytest.fixture(name='train', scope='module')
def _train(tmp_path_factory, images):
  return _Program(tmp_path_factory.mktemp('cwd'), tmp_path_factory.mktemp('prepared'), images)


@pytest.fixture(name='trained', scope='module')
def _trained(train):
  """The result of training to the end in the default workdir."""
  return train.process(*train.config, *_TINY)


def test_train(train, trained):
  code, out, err = trained
  assert code == 0, err
  run = os.path.join(train.cwd, 'runs', 'folder')
  assert set(os.listdir(run)) >= {
      'checkpoints', 'config.json', 'export', 'metrics.jsonl', 'samples', 'tensorboard'}
  with open(f'{run}/metrics.jsonl', encoding='utf-8') as f:
    lines = [json.loads(line) for line in f]
  assert all('step' in line and 'wall_s' in line for line in lines)
  assert lines[-1]['num_images'] == 10
  result = json.loads(out)
  assert result == {name: lines[-1][name] for name in result} and result['step'] == 12
  assert os.listdir(f'{run}/samples') == ['step_000012.png']
  # The bar, and nothing of TensorFlow's own.
  assert 'step 12/12' in err and 'bits/dim' in err and 'images/s' in err
  assert 'WARNING' not in err and 'cuda' not in err.lower() and 'oneDNN' not in err


def test_train_again_says_that_it_is_finished(train, trained):
  del trained
  code, out, err = train(*train.config, *_TINY)
  assert code == 0 and out == '' and 'is finished (12 steps)' in err


def test_a_run_goes_on_with_its_own_config(train, trained):
  """Whatever the default config has become since."""
  del trained
  code, out, err = train('--workdir=runs/folder')
  assert code == 0 and out == '' and 'is finished (12 steps)' in err
  assert 'runs/folder goes on with its own config, runs/folder/config.json.' in err
  code, out, err = train('--workdir=runs/folder', '--config.model.depth=2')
  assert code == 1 and out == ''
  assert 'runs/folder was made with another config (model.depth: 1 -> 2)' in err


def test_another_config_in_the_same_workdir_is_refused(train, trained):
  del trained
  code, out, err = train(*train.config, *_TINY, '--config.model.depth=2')
  assert code == 1 and out == '' and len(err.splitlines()) == 1
  assert 'runs/folder was made with another config (model.depth: 1 -> 2)' in err


def test_evaluate(train, trained):
  code, out, err = train.process(
      '--mode=evaluate', '--workdir=runs/folder', '--strategy=mirrored', '--logical_cpus=2')
  assert code == 0, err
  result = json.loads(out)
  assert result['num_images'] == 10 and result['noise_draws'] == 1 and result['step'] == 12
  assert result['eval_bpd'] == pytest.approx(json.loads(trained[1])['eval_bpd'], rel=1e-5)
  assert result['standard_error'] > 0


def test_evaluate_with_importance_samples_and_other_images(train, trained):
  code, out, err = train('--mode=evaluate', '--workdir=runs/folder', '--importance_samples=4',
                         '--ood_dataset=inverted,black')
  assert code == 0, err
  result = json.loads(out)
  assert result['eval_bpd'] == pytest.approx(json.loads(trained[1])['eval_bpd'], rel=1e-5)
  assert result['importance_samples'] == 4
  assert 0 < abs(result['importance_weighted_bpd'] - result['eval_bpd']) < .1
  assert set(result['ood']) == {'inverted', 'black', 'picture'}
  assert result['ood']['black']['num_images'] == 10
  assert os.path.exists(os.path.join(train.cwd, result['ood']['picture']))
  assert [line.split()[0] for line in err.splitlines()] == ['AUROC', 'test', 'inverted', 'black']


def test_sample(train, trained):
  del trained
  code, out, err = train('--mode=sample', '--workdir=runs/folder', '--num_samples=6',
                         '--temperature=0.5', '--seed=3')
  assert code == 0, err
  picture = Image.open(os.path.join(train.cwd, json.loads(out)['path']))
  assert picture.mode == 'RGB' and picture.size == (3 * 8 + 4, 2 * 8 + 2)


def test_interpolate(train, trained):
  del trained
  code, out, err = train('--mode=interpolate', *train.config, *_TINY, '--num_samples=2')
  assert code == 0, err
  picture = Image.open(os.path.join(train.cwd, json.loads(out)['path']))
  assert picture.size == (10 * 8 + 18, 2 * 8 + 2)


def test_the_run_is_exported_at_its_end(train, trained):
  assert 'Exported to runs/folder/export/12.' in trained[2]
  assert os.path.exists(os.path.join(train.cwd, 'runs/folder/export/12/saved_model.pb'))
  code, out, err = train('--mode=export', '--workdir=runs/folder')
  assert code == 1 and out == '' and len(err.splitlines()) == 1
  assert 'runs/folder/export/12 exists already and is left as it is' in err


@pytest.mark.parametrize('mode, rows, columns', [
    (['--mode=mix'], 2, 2), (['--mode=scales', '--temperature=0.5'], 2, 10),
    (['--mode=interpolate', '--interpolation=spherical', '--per_scale'], 2, 10)])
def test_pictures_of_latents(train, trained, mode, rows, columns):
  del trained
  code, out, err = train(*mode, '--workdir=runs/folder', '--num_samples=2')
  assert code == 0, err
  picture = Image.open(os.path.join(train.cwd, json.loads(out)['path']))
  assert picture.size == (columns * 10 - 2, rows * 10 - 2)


def test_directions_need_labels(train, trained):
  del trained
  code, out, err = train('--mode=directions', '--workdir=runs/folder')
  assert code == 1 and out == '' and len(err.splitlines()) == 1
  assert 'the data set folder has no labels' in err


def test_the_default_config_has_a_column_for_each_class(train, monkeypatch):
  # A run of its kind is exported in tests/formats.
  monkeypatch.setattr('tfp_glow.commands.export.export_run', lambda *args, **kwargs: None)
  tiny = [a for a in _TINY if 'dataset' not in a and 'sample_every' not in a]
  code, out, err = train(*tiny, '--config.num_steps=2', '--config.sample_every=2')
  assert code == 0, err
  samples = os.path.join(train.cwd, 'runs', 'mnist5k', 'samples')
  assert Image.open(f'{samples}/step_000002.png').size == (10 * 30 - 2, 10 * 30 - 2)
  code, out, err = train('--mode=sample', '--label=3', '--num_samples=4')
  assert code == 0, err
  picture = json.loads(out)['path']
  assert picture.endswith('_label_3.png')
  assert Image.open(os.path.join(train.cwd, picture)).size == (2 * 30 - 2, 2 * 30 - 2)


@pytest.mark.parametrize('arguments, message', [
    (['--mode=evaluate', '--workdir=~/none'], f'workdir {os.path.expanduser("~/none")} holds no run'),
    (['--config=none.py'], 'none.py'),
    (['--config.batch_size=many'], 'batch_size'),
    (['--config.batchsize=3'], 'batchsize'),
    (['--config.optimizer.name=lion', '--workdir=new'], 'lion')])
def test_what_a_user_gets_wrong_is_one_line(train, arguments, message):
  _is_one_line(train(*arguments), message)


@pytest.mark.parametrize('arguments, message', [
    (['--mode=paint'], 'paint'), (['--mode=sample', '--workdir=none'], 'holds no run')])
def test_a_process_says_it_too(train, arguments, message):
  _is_one_line(train.process(*arguments), message)


def _is_one_line(result, message):
  code, out, err = result
  assert code == 1 and out == ''
  assert message in err and 'Traceback' not in err
  on_the_way = 'Loading TensorFlow', 'Preparing data set', 'Preparing the data set'
  lines = [line for line in err.splitlines() if not line.startswith(on_the_way)]
  assert len(lines) == 1 and lines[0].startswith('train.py: '), err


def test_ctrl_c_that_became_another_error_is_still_one(train, trained, monkeypatch):
  def interrupted(**_):
    try:
      os.kill(os.getpid(), signal.SIGINT)
      time.sleep(10)
    except KeyboardInterrupt:
      raise TypeError('something else') from None  # As TensorFlow's C++ does while it traces.

  monkeypatch.setattr('tfp_glow.commands.run', interrupted)
  del trained
  code, out, err = train('--mode=evaluate', '--workdir=runs/folder')
  assert code == 130 and not out and err.endswith('train.py: interrupted.\n')
  assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_refused_run_leaves_nothing_behind(train):
  """Refused for a field, for its data, or for what does not fit together."""
  for arguments in (['--config.optimizer.name=lion'], ['--config.dataset.data_dir=none'],
                    ['--config.model.num_classes=7'], ['--config.model.num_levels=9'],
                    ['--init_from=none']):
    code, out, err = train(*train.config, *_TINY, '--workdir=new/er/run', *arguments)
    assert code == 1 and out == '' and err.splitlines()[-1].startswith('train.py: '), err
    assert not os.path.exists(os.path.join(train.cwd, 'new')), arguments


def test_results_that_cannot_be_written_are_one_line(train, trained):
  del trained
  with open('/dev/full', 'w', encoding='utf-8') as full:
    done = subprocess.run(
        [sys.executable, command_line.PROGRAM, '--mode=sample', '--workdir=runs/folder'],
        cwd=train.cwd, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
  assert done.returncode == 1 and 'Traceback' not in done.stderr, done.stderr
  assert done.stderr.splitlines()[-1] == 'train.py: No space left on device'
