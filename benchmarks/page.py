"""Time from a slider move to the new picture on the page, in headless Chromium; and screenshots.

    python benchmarks/page.py --workdir=runs/mnist5k --screenshots=docs/images

Prints one line of JSON, in milliseconds from the slider's input event to the changed picture.
Needs chromium and chromedriver in /usr/bin and `pip install selenium`.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome import service
from selenium.webdriver.common import by
from selenium.webdriver.support import ui

_MOVES = 40
_SCREENS = (((1280, 1760), 'light', 'page.png'), ((390, 844), 'dark', 'page_narrow.png'))

_MOVE = """
const [id, value, done] = arguments;
const picture = () => document.querySelector('#picture img').src;
const before = picture(), input = document.querySelector(`#${id} input[type=range]`);
const start = performance.now();
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
input.dispatchEvent(new Event('input', {bubbles: true}));
const wait = () => picture() !== before ? done(performance.now() - start) : setTimeout(wait, 1);
wait();
"""


def open_browser(profile):
  options = webdriver.ChromeOptions()
  options.binary_location = '/usr/bin/chromium'
  for flag in ('headless', 'no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run',
               'disable-background-networking', 'disable-component-update', 'disable-sync',
               'disable-dev-shm-usage', 'hide-scrollbars', 'window-size=1300,1060',
               f'user-data-dir={profile}'):
    options.add_argument('--' + flag)
  return webdriver.Chrome(options, service.Service('/usr/bin/chromedriver'))


def take_screenshot(browser, address, size, scheme, path):
  """Of a completed half, on a screen of a size and a colour scheme."""
  browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(
      features=[dict(name='prefers-color-scheme', value=scheme)]))
  browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(
      width=size[0], height=size[1], deviceScaleFactor=1, mobile=False))
  browser.get(address)
  time.sleep(3.)
  browser.find_element(by.By.ID, 'complete').click()
  ui.WebDriverWait(browser, 60).until(lambda b: b.find_elements(by.By.ID, 'completion-3'))
  time.sleep(1.)
  browser.execute_script('scrollTo(0, 0)')
  picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert('RGB')
  picture.quantize(128).save(path, optimize=True)


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--workdir', required=True)
  parser.add_argument('--screenshots', help='a folder for page.png and page_narrow.png')
  arguments = parser.parse_args()
  command = [sys.executable, '-m', 'tfp_glow.demo', f'--workdir={arguments.workdir}', '--port=0']
  with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                        text=True) as process, tempfile.TemporaryDirectory(
                            ignore_cleanup_errors=True) as profile:
    address = process.stdout.readline().split()[-1]
    browser = open_browser(profile)
    try:
      browser.set_script_timeout(60)
      browser.get(address)
      ui.WebDriverWait(browser, 60).until(
          lambda b: b.find_elements(by.By.CSS_SELECTOR, '#temperature input[type=range]'))
      time.sleep(1.)
      browser.get(address + '/?seed=1')
      time.sleep(3.)
      # Of a sample all is computed: its latent, the picture, what the model makes of it.
      page = [browser.execute_async_script(_MOVE, 'temperature', str(0.4 + 0.05 * (i % 20)))
              for i in range(_MOVES)][5:]
      print(json.dumps(dict(moves=len(page), median_ms=round(float(np.median(page)), 1),
                            p95_ms=round(float(np.quantile(page, .95)), 1))))
      if arguments.screenshots:
        for size, scheme, name in _SCREENS:
          take_screenshot(browser, address + '/?seed=1&class=3', size, scheme,
                          os.path.join(arguments.screenshots, name))
    finally:
      browser.quit()
      process.terminate()


if __name__ == '__main__':
  main()
