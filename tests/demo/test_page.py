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
from selenium.webdriver.common import keys
from selenium.webdriver.support import ui
import tensorflow as tf

from tests.serving import tiny

CSS = by.By.CSS_SELECTOR

# Sets a slider as a hand would, and calls back once the picture is another one. Again and again:
# what stands on the page may not listen yet.
_MOVE = """
const [id, value, done] = arguments;
const picture = () => document.querySelector('#picture img').src;
const before = picture(), input = document.querySelector(`#${id} input[type=range]`);
const set = () => {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
  input.dispatchEvent(new Event('input', {bubbles: true}));
};
set();
const again = setInterval(set, 3000);
const wait = () => {
  if (picture() === before) return setTimeout(wait, 5);
  clearInterval(again);
  done(true);
};
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

  def pick(self, wall, query):
    """Clicks the cell of a wall."""
    self.until(lambda: self.find(f'#{wall} button').is_displayed())
    self.click_and_wait(f'#{wall} button[data-pick="{query}"]')

  def upload(self, path):
    self.tab('Your picture')
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


def resize(browser, width, height, scheme):
  """Makes the page's window another one, of a visitor with a light or dark system."""
  browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(
      width=width, height=height, deviceScaleFactor=1, mobile=False))
  browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(
      features=[dict(name='prefers-color-scheme', value=scheme)]))


def bits(page):
  return float(page.find('#bits b').text)


def bits_of(image):
  outputs = tiny.call(
      tiny.signatures(), 'serving_default', image_bytes=[tf.io.encode_png(image).numpy()])
  return float(outputs['bits_per_dim'][0])


def test_it_opens_with_a_test_image_its_reconstruction_and_its_bits(page):
  image = tiny.make_images(6, 4)[0]
  for name in ('picture', 'original', 'reconstruction'):
    np.testing.assert_array_equal(page.picture(name), image)
  assert bits(page) == pytest.approx(bits_of(image), abs=1e-3)
  assert page.find('#histogram').is_displayed() and page.find('#histogram line')
  assert '% of the test images' in page.find('#bits').text


def test_it_says_what_it_is(page):
  config = tiny.tiny().config
  assert page.find('h1').text == f'Explore what a Glow learned from {config.dataset.name}'
  facts = page.find('#facts').text
  assert '8 x 8 colour images' in facts and 'bits/dim on 40 test images' in facts
  assert 'weights' in facts and f'trained for {tiny.STEP} steps' in facts and 'exported 20' in facts


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
  page.click_and_wait('#sample')
  middle = model.sample(1, 0., (0, 5))[0].numpy()

  def is_at_0():
    # Again and again: the sample may still be putting all controls where it has them.
    page.enter('#temperature input[type=number]', '0')
    return (page.picture() == middle).all()

  page.until(is_at_0)


def test_a_picture_of_a_wall_is_picked(page):
  page.pick('wall', 'seed=17')
  np.testing.assert_array_equal(page.picture(), tiny.tiny().model.sample(1, 0.7, (0, 17))[0])
  assert page.find('#wall [aria-pressed=true]').get_attribute('aria-label') == 'Sample 17'
  page.click('#more')
  page.until(lambda: page.find('#wall button[data-pick="seed=30"]'))
  page.pick('wall', 'seed=59')
  np.testing.assert_array_equal(page.picture(), tiny.tiny().model.sample(1, 0.7, (0, 59))[0])


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
  page.tab('Test images')
  page.pick('test-wall', 'image=3')
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
  page.tab('Samples')
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


def test_the_keyboard_moves_a_slider_and_walks_the_wall(browser, page):
  before = page.picture()
  slider = page.find('#direction-0 input[type=range]')
  slider.send_keys(keys.Keys.ARROW_RIGHT, keys.Keys.ARROW_RIGHT)
  page.until(lambda: (page.picture() != before).any())
  assert float(slider.get_attribute('value')) == pytest.approx(0.1)
  browser.execute_script('document.querySelector("#wall button").focus()')
  for key in (keys.Keys.ARROW_DOWN, keys.Keys.ARROW_RIGHT, keys.Keys.ENTER):
    browser.switch_to.active_element.send_keys(key)
  sample = tiny.tiny().model.sample(1, 0.7, (0, 11))[0].numpy()
  page.until(lambda: (page.picture() == sample).all())


def test_the_address_leads_back(browser, page, address):
  page.pick('wall', 'seed=2')
  page.move('direction-1', -0.5)
  moved = page.move('scale-0', 7)
  there = browser.current_url
  assert urllib.parse.parse_qs(urllib.parse.urlsplit(there).query) == {
      'seed': ['2'], 'temperature': ['0.7'], 'scale.0': ['7'], 'to.hat': ['-0.5']}
  browser.get(there)
  page.until(lambda: (page.picture() == moved).all())
  assert page.find('#direction-1 input[type=range]').get_attribute('value') == '-0.5'
  assert page.find('#picture figcaption').text == 'Sample 2, changed by 2 controls'
  browser.get(address + '/?image=99')
  page.until(lambda: 'image = ' in page.find('#message').text)


def test_maps_of_surprise_follow_the_picture(page):
  before = page.picture('map-0'), page.picture('map-1')
  assert before[0].shape == (4, 4, 3) and before[1].shape == (2, 2, 3)
  page.move('direction-0', 1)
  page.until(lambda: any((page.picture(f'map-{i}') != before[i]).any() for i in range(2)))
  assert 'Scale 2, coarsest: ' in page.find('#map-1').text


def test_an_erased_half_is_completed(page):
  image = page.picture()
  page.click('#half input[value=top]')
  page.click('#complete')
  page.until(lambda: page.find('#completion-3 img'))
  assert (page.picture('erased')[:4] == 127).all()
  for i in range(4):
    np.testing.assert_array_equal(page.picture(f'completion-{i}')[4:], image[4:])
    assert (page.picture(f'completion-{i}')[:4] != image[:4]).any()


# Texts that stand out less from what is behind them than WCAG 2 wants at level AA.
_FAINT = """
const channel = (v) => v <= 10.31 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const colour = (text) => {
  const values = text.match(/^rgba?\\(([^)]*)\\)$/)[1].split(/[ ,/]+/).map(Number);
  return values.length === 3 ? [...values, 1] : values;
};
const over = (a, b) => [0, 1, 2].map((i) => a[3] * a[i] + (1 - a[3]) * b[i]);
const behind = (e) => {
  if (!e) return [255, 255, 255];
  const own = colour(getComputedStyle(e).backgroundColor);
  return own[3] === 1 ? own : over(own, behind(e.parentElement));
};
const found = [];
let seen = 0;
const check = (e, text) => {
  if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true})) return;
  if (e.closest('script, style, [aria-hidden=true].visually-hidden')) return;
  if (!e.offsetParent && !e.closest('svg')) return;
  const style = getComputedStyle(e), back = behind(e);
  const text_colour = colour(e.closest('svg') ? style.fill : style.color);
  const a = light(over(text_colour, back)), b = light(back);
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const least = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
  seen += 1;
  if (ratio < least) found.push(`${text.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  if (node.textContent.trim()) check(node.parentElement, node.textContent);
}
for (const input of document.querySelectorAll('input:not([type=range], [type=radio])')) {
  if (input.value) check(input, input.value);
}
return [seen, found];
"""

# What the page lacks on a screen of its width.
_LAYOUT = """
const box = (selector) => document.querySelector(selector).getBoundingClientRect();
const picture = box('#picture img'), slider = box('#direction-0 input[type=range]');
return {scroll: document.documentElement.scrollWidth, width: innerWidth,
        beside: slider.left >= picture.right, top: slider.top, bottom: picture.bottom,
        slider: slider.width, picture: picture.width,
        unnamed: [...document.querySelectorAll('img:not([alt])')].length,
        silent: [...document.querySelectorAll('button, input')].filter((e) =>
            e.checkVisibility() && !e.ariaLabel && !e.textContent.trim() && !e.labels?.length
            && !e.closest('label')).map((e) => e.outerHTML.slice(0, 200))};
"""


@pytest.mark.parametrize('width, scheme', [(1280, 'light'), (1280, 'dark'), (390, 'light'),
                                           (390, 'dark')])
def test_it_can_be_read_on_every_screen(browser, address, width, scheme):
  resize(browser, width, 844, scheme)
  try:
    browser.get(address + '/?seed=1')
    page = Page(browser)
    page.until(lambda: 'Sample 1' in page.find('#picture').text)
    dark = browser.execute_script("return document.body.classList.contains('dark')")
    assert dark == (scheme == 'dark')
    seen, faint = browser.execute_script(_FAINT)
    assert seen > 30 and not faint
    layout = browser.execute_script(_LAYOUT)
    assert layout['scroll'] <= layout['width'] and layout['beside'], layout
    assert layout['top'] < layout['bottom'] and layout['top'] < 844, layout
    assert layout['slider'] > 60 and layout['picture'] > 120, layout
    assert not layout['unnamed'] and not layout['silent'], layout
  finally:
    browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[]))


def test_nothing_outside_is_called(browser, page):
  browser.get_log('browser')  # Drops what was said of pages that were left while they loaded.
  page.move('direction-0', 0.5)
  time.sleep(1.)  # For what a page loads late.
  messages = [json.loads(entry['message'])['message'] for entry in browser.get_log('performance')]
  hosts = {urllib.parse.urlsplit(message['params']['request']['url'])[:2]
           for message in messages if message['method'] == 'Network.requestWillBeSent'}
  outside = {(scheme, host) for scheme, host in hosts
             if scheme not in ('data', 'blob', 'chrome', 'chrome-untrusted')
             and not host.startswith('127.0.0.1:')}
  assert hosts and not outside
  errors = [entry['message'] for entry in browser.get_log('browser') if entry['level'] == 'SEVERE']
  assert not errors
