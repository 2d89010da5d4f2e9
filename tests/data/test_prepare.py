"""Without internet a data set that needs a download fails fast, in one line."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import tensorflow_datasets as tfds

from tests.data import data_config
from tfp_glow import data
from tfp_glow import errors
from tfp_glow.data import prepare
from tfp_glow.data.mnist5k.builder import Mnist5k


def _refuse(*args, **kwargs):
  del args, kwargs
  raise urllib.error.URLError(socket.gaierror('Name or service not known'))


@pytest.mark.parametrize('hangs', [False, True])
@pytest.mark.parametrize('name', ['cifar10', 'mnist', 'lsun/bedroom', 'celeb_a',
                                  'downsampled_imagenet/32x32'])
def test_offline_fails_before_the_network_answers_in_one_line(name, hangs, monkeypatch, tmp_path):
  answers = []

  def hang(*args, **kwargs):  # A look-up of a name does not obey timeouts.
    time.sleep(60)
    answers.append((args, kwargs))

  monkeypatch.setattr(urllib.request, 'urlopen', hang if hangs else _refuse)
  assert prepare._SECONDS_TO_ANSWER < 9.  # What is waited for here, but for some hundredths.
  monkeypatch.setattr(prepare, '_SECONDS_TO_ANSWER', .05)
  with pytest.raises(errors.UserError) as error:
    data.load(data_config.dataset_config(name, data_dir=str(tmp_path), resize='center_crop',
                                         image_size=32))
  assert not answers
  message = str(error.value)
  assert '\n' not in message and len(message) < 700
  for part in (repr(name), str(tmp_path), *data.EMBEDDED, 'dataset.name=idx', 'dataset.name=folder',
               'manual'):
    assert part in message


def test_files_fetched_by_hand_are_used_without_a_network(monkeypatch, tmp_path):
  monkeypatch.setattr(urllib.request, 'urlopen', _refuse)
  prepared = []
  monkeypatch.setattr(tfds.core.DatasetBuilder, 'download_and_prepare',
                      lambda self: prepared.append(self.name))
  manual = tmp_path / 'downloads' / 'manual'
  manual.mkdir(parents=True)
  names = ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz',
           't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz']
  for name in names:
    with pytest.raises(errors.UserError, match='cannot be downloaded'):
      prepare.prepare(lambda: tfds.builder('fashion_mnist', data_dir=tmp_path),
                      name='fashion_mnist', folder=str(tmp_path), needs_download=True)
    (manual / name).write_bytes(b'')
  prepare.prepare(lambda: tfds.builder('fashion_mnist', data_dir=tmp_path),
                  name='fashion_mnist', folder=str(tmp_path), needs_download=True)
  assert prepared == ['fashion_mnist']


def test_an_error_answer_counts_as_reachable(monkeypatch):
  def forbid(request, timeout):
    del timeout
    raise urllib.error.HTTPError(request.full_url, 403, 'Forbidden', {}, None)
  monkeypatch.setattr(urllib.request, 'urlopen', forbid)
  assert prepare.reachable(['https://example.org'])


def test_one_host_that_answers_is_enough(monkeypatch):
  def answer(request, timeout):
    del timeout
    if 'good' not in request.full_url:
      _refuse()
    return open(os.devnull, 'rb')
  monkeypatch.setattr(urllib.request, 'urlopen', answer)
  assert prepare.reachable(['https://bad.example', 'https://good.example'])
  assert not prepare.reachable(['https://bad.example'])


def test_data_set_to_be_fetched_by_hand_says_so(tmp_path):
  with pytest.raises(errors.UserError, match='by hand into .*manual') as error:
    data.load(data_config.dataset_config('celeb_a_hq/256', data_dir=str(tmp_path)))
  assert '\n' not in str(error.value)


def test_a_download_that_breaks_off_is_one_line(monkeypatch, tmp_path):
  def break_off(self, **kwargs):
    del self, kwargs
    raise ConnectionResetError('connection reset\nby peer')
  monkeypatch.setattr(prepare, 'reachable', lambda hosts: True)
  monkeypatch.setattr(tfds.core.DatasetBuilder, 'download_and_prepare', break_off)
  with pytest.raises(errors.UserError, match='cifar10.*ConnectionResetError.*dataset.name=idx') as error:
    data.load(data_config.dataset_config('cifar10', data_dir=str(tmp_path)))
  assert '\n' not in str(error.value)


def test_unwritable_folder_is_one_line(tmp_path):
  in_the_way = tmp_path / 'file'
  in_the_way.write_text('')
  with pytest.raises(errors.UserError, match=(
      'cannot be prepared in .*file.* the environment variable TFDS_DATA_DIR')) as error:
    data.load(data_config.dataset_config(data_dir=str(in_the_way)))
  assert '\n' not in str(error.value)


def test_the_slower_of_two_uses_what_the_faster_made(monkeypatch, tmp_path):
  original, calls = Mnist5k._split_generators, []

  def overtaken(self, dl_manager):
    calls.append(self)
    if len(calls) == 1:
      Mnist5k(data_dir=str(tmp_path)).download_and_prepare()
    return original(self, dl_manager)

  monkeypatch.setattr(Mnist5k, '_split_generators', overtaken)
  source = data.load(data_config.dataset_config(data_dir=str(tmp_path)))
  assert len(calls) == 2
  assert len(source.arrays('test')[0]) == 500
  left = os.listdir(tmp_path / 'mnist5k')
  assert left == ['1.0.0'], left


# Prints how many images, the sum of their labels, and in what words another data set is refused.
# With proxies that do not answer in place of the network.
_PROGRAM = """
import sys, types
from tfp_glow import errors, lean_imports
with lean_imports.lean_imports():
  from tfp_glow import data
config = types.SimpleNamespace(**{**data.defaults(), 'data_dir': sys.argv[1]})
source = data.load(config)
print(source.num_examples('train'), int(source.arrays('test')[1].numpy().sum()))
config.name = 'cifar10'
try:
  data.load(config)
except errors.UserError as error:
  print(error)
"""


def test_processes_that_prepare_at_once_agree_and_are_offline(tmp_path):
  nowhere = 'http://127.0.0.1:9'
  env = {**os.environ, 'http_proxy': nowhere, 'https_proxy': nowhere, 'no_proxy': '',
         'HTTP_PROXY': nowhere, 'HTTPS_PROXY': nowhere, 'NO_PROXY': '',
         'PYTHONPATH': os.pathsep.join(sys.path)}
  processes = [
      subprocess.Popen([sys.executable, '-c', _PROGRAM, str(tmp_path)], env=env, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
  counts = set()
  for process in processes:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    count, message = out.splitlines()
    counts.add(count)
    assert 'mnist5k' in message and 'Traceback' not in err
  assert len(counts) == 1 and counts.pop().startswith('4500 ')


def test_embedded_data_prepares_without_network(monkeypatch, tmp_path, capsys):
  monkeypatch.setattr(urllib.request, 'urlopen', _refuse)
  for name in data.EMBEDDED:
    data.load(data_config.dataset_config(name, data_dir=str(tmp_path)))
  assert not capsys.readouterr().out  # stdout is for results.
