"""The server behind the page: what it refuses, and many visitors at once."""

import concurrent.futures
import json
import shutil
import socket
import threading
import urllib.error
import urllib.request
import uuid

from absl import logging
import pytest

from tests.serving import tiny
from tfp_glow import errors
from tfp_glow.demo import __main__ as demo_main
from tfp_glow.demo import server

USERS = 20


class Visitor:
  """A visit without a browser: the messages that the page would send."""

  def __init__(self, address):
    self._address = address
    self._session = uuid.uuid4().hex[:12]
    with urllib.request.urlopen(address + '/config') as response:
      config = json.load(response)
    self._components = {c['id']: c for c in config['components']}
    self._ids = {c['props'].get('elem_id'): c['id'] for c in config['components']}
    self._events = {tuple(target): d for d in config['dependencies'] for target in d['targets']}

  def send(self, name, event, **values):
    """Fires a component's event, with other values than the page's first for some inputs."""
    event = self._events[self._ids[name], event]
    changed = {self._ids[key.replace('_', '-')]: value for key, value in values.items()}
    data = [changed.get(i, self._components[i]['props'].get('value')) for i in event['inputs']]
    body = dict(data=data, fn_index=event['id'], session_hash=self._session, event_data=None)
    request = urllib.request.Request(
        f'{self._address}/gradio_api/queue/join', json.dumps(body).encode(),
        {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=60) as response:
      json.load(response)
    url = f'{self._address}/gradio_api/queue/data?session_hash={self._session}'
    with urllib.request.urlopen(url, timeout=60) as response:
      for line in response:
        if line.startswith(b'data:'):
          message = json.loads(line[5:])
          if message['msg'] == 'process_completed':
            return message
    raise AssertionError('no answer')

  def move(self, strength):
    """The HTML of the picture after a slider move."""
    message = self.send('direction-0', 'input', direction_0=strength)
    assert message['success'], message
    return message['output']['data'][0]


def status_of(address, path, data=None, headers=None):
  request = urllib.request.Request(address + path, data=data, headers=headers or {})
  try:
    with urllib.request.urlopen(request, timeout=20) as response:
      return response.status
  except urllib.error.HTTPError as error:
    return error.code


def test_many_visitors_at_once_get_their_own_answers(address):
  visitors = [Visitor(address) for _ in range(USERS)]
  for seed, visitor in enumerate(visitors):
    assert visitor.send('sample', 'click', seed=seed % 4)['success']
  together = threading.Barrier(USERS)

  def visit(visitor):
    together.wait()
    return [visitor.move(strength) for strength in (0.5, -0.5, 0.5)]

  with concurrent.futures.ThreadPoolExecutor(USERS) as pool:
    answers = list(pool.map(visit, visitors))
  for first, second, third in answers:
    assert first == third != second
  # Those who began from the same sample see the same, the others do not.
  assert len({answer[0] for answer in answers}) == 4
  assert all(answers[i] == answers[i % 4] for i in range(USERS))


@pytest.mark.parametrize('path', [
    '/gradio_api/file=/etc/passwd', '/file=/etc/passwd', '/gradio_api/file/etc/passwd',
    '/gradio_api/proxy=http://127.0.0.1:1/', '/assets/../../../etc/passwd',
    '/assets/%2e%2e/%2e%2e/etc/passwd', '/static/..%2f..%2fetc/passwd', '/docs', '/openapi.json',
    '/gradio_api/openapi.json', '/gradio_api/vibe-code', '/monitoring', '/runs'])
def test_what_the_page_does_not_need_is_not_there(address, path):
  assert status_of(address, path) == 404


@pytest.mark.parametrize('path', [
    '/gradio_api/upload', '/gradio_api/run/predict', '/gradio_api/call/predict', '/login',
    '/gradio_api/component_server', '/gradio_api/process_recording', '/gradio_api/vibe-edit'])
def test_nothing_takes_files_or_runs_other_things(address, path):
  assert status_of(address, path, b'{}', {'Content-Type': 'application/json'}) == 404


def test_large_requests_are_refused(address):
  host, port = address.removeprefix('http://').split(':')
  for header in ('Content-Length: 99999999', 'Transfer-Encoding: chunked', 'Content-Length: -5'):
    with socket.create_connection((host, int(port)), timeout=20) as connection:
      connection.sendall(f'POST /gradio_api/queue/join HTTP/1.1\r\nHost: {host}\r\n'
                         f'{header}\r\n\r\n'.encode())
      assert connection.recv(4096).split()[1] in (b'413', b'400')


def test_the_browser_is_told_to_ask_nobody_else(address):
  with urllib.request.urlopen(address) as response:
    assert "default-src 'self'" in response.headers['Content-Security-Policy']
    text = response.read().decode()
  assert 'fonts.googleapis.com' not in text and 'cdnjs' not in text


@pytest.mark.parametrize('value', [
    {'path': '/etc/hostname', 'meta': {'_type': 'gradio.FileData'}},
    {'path': '/etc/hostname', 'url': 'http://127.0.0.1:1/', 'meta': {'_type': 'gradio.FileData'}},
    '/etc/hostname', 'file:///etc/hostname', None, 5])
def test_no_path_of_a_client_is_read(address, value):
  message = Visitor(address).send('upload', 'submit', upload=value)
  if message['success']:
    assert 'role="alert"' in json.dumps(message['output']['data']).replace('\\"', '"')
  with open('/etc/hostname', encoding='utf-8') as f:
    assert f.read().strip() not in json.dumps(message)


@pytest.mark.parametrize('values', [dict(direction_0=1e9), dict(direction_0='x'), dict(blend=-1),
                                    dict(listed='__class__'), dict(scale_0=10**9)])
def test_values_that_no_slider_has_are_refused(address, values):
  visitor = Visitor(address)
  assert not visitor.send('direction-0', 'input', **values)['success']
  assert visitor.move(0.5)


def test_it_listens_on_this_machine_only(address):
  port = int(address.rsplit(':', 1)[1])
  # Another address of the loopback network reaches whatever listens on all addresses.
  with pytest.raises(OSError):
    socket.create_connection(('127.0.0.2', port), timeout=5)


@pytest.fixture(name='verbosity')
def fixture_verbosity():
  """Sets the program's verbosity back."""
  before = logging.get_verbosity()
  yield
  logging.set_verbosity(before)


def test_a_port_that_is_taken(address, capsys, verbosity):
  port = address.rsplit(':', 1)[1]
  assert demo_main.main([f'--workdir={tiny.tiny().path}', f'--port={port}']) == 1
  out, err = capsys.readouterr()
  assert not out and err.count('\n') == 1
  assert err.startswith(f"tfp_glow.demo: cannot listen on '127.0.0.1' port {port}")


@pytest.mark.parametrize('host, port', [
    ('', 0), ('a..b', 0), ('no host', 0), ('\udcff', 0), ('ä' * 70, 0), ('::zz', 0),
    ('127.0.0.1', -1), ('127.0.0.1', 2**16), ('127.0.0.1', 10**20)])
def test_where_nobody_can_listen(host, port):
  with pytest.raises(errors.UserError, match='--host') as error:
    with server.listen(host, port):
      pass
  assert '\n' not in str(error.value)


def test_a_workdir_without_an_export(tmp_path, capsys, verbosity):
  assert demo_main.main([f'--workdir={tmp_path}', '--port=0']) == 1
  out, err = capsys.readouterr()
  assert not out and err.count('\n') == 1
  assert 'holds no export; make one with python train.py --mode=export' in err


def test_a_damaged_export(tmp_path, capsys, verbosity):
  path = shutil.copytree(tiny.tiny().path, tmp_path / '7')
  (path / 'assets.extra' / 'examples.npz').write_bytes(b'')
  assert demo_main.main([f'--workdir={tmp_path}', '--port=0']) == 1
  out, err = capsys.readouterr()
  assert not out and err.count('\n') == 1 and 'examples.npz was damaged: it has 0 bytes' in err
