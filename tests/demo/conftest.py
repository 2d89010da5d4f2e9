"""The page of the tiny export, in a process of its own, and a browser to look at it."""

import contextlib
import os
import subprocess
import sys
import tempfile

import pytest
from selenium import webdriver
from selenium.webdriver.chrome import service

from tests.serving import tiny
from tfp_glow.demo import served_model


@pytest.fixture(scope='module', name='model')
def fixture_model():
  return served_model.ServedModel(tiny.tiny().path)


@pytest.fixture(scope='module', name='classes')
def fixture_classes():
  return served_model.ServedModel(tiny.classes().path)


@pytest.fixture(scope='session', name='address')
def fixture_address(tmp_path_factory):
  """`http://127.0.0.1:PORT` of a running page."""
  log = tmp_path_factory.mktemp('page') / 'stderr'
  command = [sys.executable, '-m', 'tfp_glow.demo', f'--workdir={tiny.tiny().path}', '--port=0']
  environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
  with open(log, 'wb') as stderr, subprocess.Popen(
      command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment) as process:
    line = process.stdout.readline()
    assert ' at http://127.0.0.1:' in line, log.read_text()
    yield line.split()[-1]
    process.terminate()


@contextlib.contextmanager
def open_browser(downloads):
  """A headless Chromium of Debian that calls nobody by itself."""
  options = webdriver.ChromeOptions()
  options.binary_location = '/usr/bin/chromium'
  with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    for flag in ('headless', 'no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run',
                 'disable-background-networking', 'disable-component-update', 'disable-sync',
                 'disable-dev-shm-usage', 'window-size=1300,1000', f'user-data-dir={profile}'):
      options.add_argument('--' + flag)
    options.add_experimental_option('prefs', {'download.default_directory': str(downloads)})
    options.set_capability('goog:loggingPrefs', {'performance': 'ALL', 'browser': 'ALL'})
    # Naming the driver keeps Selenium from looking for one elsewhere.
    browser = webdriver.Chrome(options, service.Service('/usr/bin/chromedriver'))
    try:
      browser.set_script_timeout(30)
      yield browser
    finally:
      browser.quit()


@pytest.fixture(scope='session', name='downloads')
def fixture_downloads(tmp_path_factory):
  return tmp_path_factory.mktemp('downloads')


@pytest.fixture(scope='session', name='browser')
def fixture_browser(downloads):
  with open_browser(downloads) as browser:
    yield browser
