"""The page as a visitor finds it, in a real browser."""

import base64
import io
import json
import time
import urllib.parse

import numpy as np
from PIL import Image
import pytest
from selenium.webdriver.common import by
from selenium.webdriver.support import ui
import tensorflow as tf

from tests.serving import tiny

CSS = by.By.CSS_SELECTOR

# Sets a slider as a hand would, and calls back once the picture is another one.
_MOVE = """
const [id, value, done] = arguments;
const picture = () => document.querySelector('#picture img').src;
const before = picture(), input = document.querySelector(`#${id} input[type=range]`);
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
input.dispatchEvent(new Event('input', {bubbles: true}));
const wait = () => picture() !== before ? done(true) : setTimeout(wait, 5);
wait();
"""


class Page:
  """What a test does with the page."""

  def __init__(self, browser):
    self._browser = browser

  def find(self, selector):
    return self._browser.find_element(CSS, selector)

  def picture(self, identifier='picture'):
    """The pixels of a picture on the page, uint8 `[H, W, C]`."""
    source = self.find(f'#{identifier} img').get_attribute('src')
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(',')[1]))))

  def click(self, selector):
    self.find(selector).click()

  def move(self, slider, value):
    """Moves a slider and waits until the picture changes."""
    self._browser.execute_async_script(_MOVE, slider, str(value))
    return self.picture()

  def click_and_wait(self, selector):
    """Clicks and waits until the picture changes."""
    before = self.find('#picture img').get_attribute('src')
    self.click(selector)
    self.until(lambda: self.find('#picture img').get_attribute('src') != before)

  def until(self, condition):
    ui.WebDriverWait(
        self._browser, 60, 0.05, ignored_exceptions=[Exception]).until(lambda _: condition())

  def tab(self, name):
    for tab in self._browser.find_elements(CSS, 'button[role=tab]'):
      if tab.text == name:
        tab.click()

  def enter(self, selector, text):
    field = self.find(selector)
    field.clear()
    field.send_keys(text, '\t')

  def upload(self, path):
    self.tab('Upload')
    self.until(lambda: self.find('#upload-file'))
    self.find('#upload-file').send_keys(str(path))


@pytest.fixture(name='page')
def fixture_page(browser, address):
  browser.get(address)
  page = Page(browser)
  page.until(lambda: page.find('#picture img') and page.find('#sample'))

  def all_is_open():
    # Again and again: what stands on the page may not listen to clicks yet.
    for header in browser.find_elements(CSS, 'button.label-wrap:not(.open)'):
      browser.execute_script('arguments[0].click()', header)
    return page.find('#scale-1 input[type=range]') and page.find('#blend input')

  page.until(all_is_open)
  return page


def bits(page):
  return float(page.find('#bits b').text)


def bits_of(image):
  outputs = tiny.signatures()['bits_per_dim'](
      images=tf.constant(image[None]), noise_draws=tf.constant(1), seed=tf.constant([0, 0]))
  return float(outputs['bits_per_dim'][0])


def test_it_opens_with_a_test_image_its_reconstruction_and_its_bits(page):
  image = tiny.make_images(6, 4)[0]
  for name in ('picture', 'original', 'reconstruction'):
    np.testing.assert_array_equal(page.picture(name), image)
  assert bits(page) == pytest.approx(bits_of(image), abs=1e-3)
  assert page.find('#histogram').is_displayed() and page.find('#histogram line')


def test_samples_depend_on_seed_and_temperature(page):
  model = tiny.tiny().model
  page.enter('#seed input', '5')
  page.click_and_wait('#sample')
  first = page.picture()
  np.testing.assert_array_equal(first, model.sample(1, 0.7, (0, 5))[0])
  assert bits(page) == pytest.approx(bits_of(first), abs=1e-3)
  page.enter('#seed input', '6')
  page.click_and_wait('#sample')
  assert (page.picture() != first).any()
  page.enter('#seed input', '5')
  page.enter('#temperature input[type=number]', '0')
  page.click_and_wait('#sample')
  np.testing.assert_array_equal(page.picture(), model.sample(1, 0., (0, 5))[0])


def test_a_slider_moves_the_picture_along_its_direction(page):
  image = page.picture()
  seen = page.move('direction-0', 0.25)
  assert (seen != image).any()
  moved = tiny.signatures()['manipulate'](
      images=tf.constant(image[None]), direction=tf.constant('smile'),
      strength=tf.constant(0.25))['images'][0]
  # The page encodes with noise, the signature without: a level's difference.
  assert np.abs(np.int32(seen) - np.int32(moved)).max() <= 4
  page.click_and_wait('#reset')
  np.testing.assert_array_equal(page.picture(), image)
  assert page.find('#direction-0 input[type=range]').get_attribute('value') == '0'


@pytest.mark.parametrize('scale', [0, 1])
def test_a_scale_is_drawn_afresh(page, scale):
  image = page.picture()
  first = page.move(f'scale-{scale}', 1)
  assert (first != image).any()
  assert (page.move(f'scale-{scale}', 2) != first).any()
  np.testing.assert_array_equal(page.move(f'scale-{scale}', 0), image)


def test_blending_ends_at_the_other_picture(page):
  np.testing.assert_array_equal(page.move('blend', 1), tiny.make_images(6, 4)[1])
  page.click_and_wait('#reset')
  page.enter('#seed input', '9')
  page.click_and_wait('#sample')
  sample = page.picture()
  page.click('#keep')
  page.until(lambda: (page.picture('other') == sample).all())
  page.tab('Test image')
  page.until(lambda: page.find('#example input'))
  page.enter('#example input[type=number]', '3')
  page.click_and_wait('#show-example')
  np.testing.assert_array_equal(page.picture(), tiny.make_images(6, 4)[3])
  np.testing.assert_array_equal(page.move('blend', 1), sample)


def test_a_good_upload(page, tmp_path):
  image = tiny.make_images(1, 8)[0]
  Image.fromarray(image).save(tmp_path / 'mine.png')
  page.upload(tmp_path / 'mine.png')
  page.until(lambda: (page.picture('original') == image).all())
  np.testing.assert_array_equal(page.picture('reconstruction'), image)
  assert bits(page) == pytest.approx(bits_of(image), abs=1e-3)


def test_bad_uploads_are_refused_with_a_message(page, tmp_path):
  image = page.picture()
  (tmp_path / 'text.png').write_text('no picture at all')
  page.upload(tmp_path / 'text.png')
  page.until(lambda: 'The file is no picture file' in page.find('#message').text)
  (tmp_path / 'large.png').write_bytes(bytes(11 * 2**20))
  page.upload(tmp_path / 'large.png')
  page.until(lambda: 'too large: it may have up to 10 MB' in page.find('#message').text)
  np.testing.assert_array_equal(page.picture(), image)
  page.tab('Sample')
  page.click_and_wait('#sample')
  page.until(lambda: not page.find('#message').text)


def test_download(page, downloads):
  moved = page.move('direction-1', 0.5)
  page.click('#download-picture')
  page.until(lambda: (downloads / 'picture.png').exists())
  page.click('#download-latent')
  page.until(lambda: (downloads / 'latent.npy').exists())
  np.testing.assert_array_equal(np.asarray(Image.open(downloads / 'picture.png')), moved)
  latent = np.load(downloads / 'latent.npy', allow_pickle=False)
  decoded = tiny.signatures()['decode'](latents=tf.constant(latent[None]))['images'][0]
  np.testing.assert_array_equal(decoded, moved)


def test_nothing_outside_is_called(browser, page):
  page.move('direction-0', 0.5)
  time.sleep(1.)  # For what a page loads late.
  messages = [json.loads(entry['message'])['message'] for entry in browser.get_log('performance')]
  hosts = {urllib.parse.urlsplit(message['params']['request']['url'])[:2]
           for message in messages if message['method'] == 'Network.requestWillBeSent'}
  outside = {(scheme, host) for scheme, host in hosts
             if scheme not in ('data', 'blob', 'chrome') and not host.startswith('127.0.0.1:')}
  assert hosts and not outside
  errors = [entry['message'] for entry in browser.get_log('browser') if entry['level'] == 'SEVERE']
  assert not errors
