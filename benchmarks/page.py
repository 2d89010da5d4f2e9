"""Time from a slider move to the new picture on the page, in headless Chromium; and a screenshot.

    python benchmarks/page.py --workdir=runs/mnist5k --screenshot=docs/images/page.png

Prints one line of JSON, in milliseconds from the slider's input event to the changed picture.
Needs chromium and chromedriver in /usr/bin and `pip install selenium`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome import service
from selenium.webdriver.common import by
from selenium.webdriver.support import ui

_MOVES = 40

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
               'disable-dev-shm-usage', 'window-size=1300,1060', f'user-data-dir={profile}'):
    options.add_argument('--' + flag)
  return webdriver.Chrome(options, service.Service('/usr/bin/chromedriver'))


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--workdir', required=True)
  parser.add_argument('--screenshot')
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
          lambda b: b.find_elements(by.By.CSS_SELECTOR, '#direction-0 input[type=range]'))
      time.sleep(1.)
      page = [browser.execute_async_script(_MOVE, 'direction-0', str(round(0.05 * i, 2)))
              for i in range(1, _MOVES + 1)][5:]
      print(json.dumps(dict(moves=len(page), median_ms=round(float(np.median(page)), 1),
                            p95_ms=round(float(np.quantile(page, .95)), 1))))
      if arguments.screenshot:
        browser.execute_async_script(_MOVE, 'direction-0', '0')
        browser.execute_async_script(_MOVE, 'direction-0', '1')
        time.sleep(0.5)
        browser.save_screenshot(arguments.screenshot)
    finally:
      browser.quit()
      process.terminate()


if __name__ == '__main__':
  main()
