"""A real browser that looks at the page, and what must be so on every screen."""

import base64
import io
import urllib.parse

import numpy as np
from PIL import Image
from selenium.webdriver.common import by
from selenium.webdriver.support import ui

_CSS = by.By.CSS_SELECTOR

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
    return self._browser.find_element(_CSS, selector)

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
    for tab in self._browser.find_elements(_CSS, 'button[role=tab]'):
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

  def query(self):
    """What the page's address holds, a dict of lists of str."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(self._browser.current_url).query)

  def bits(self):
    """The bits/dim that stand beside the picture."""
    return float(self.find('#bits b').text)


def open_page(browser, address):
  """The `Page` at an address, with everything on it open."""
  browser.get(address)
  page = Page(browser)
  page.until(lambda: page.find('#picture img') and page.find('#sample'))

  def all_is_open():
    # Again and again: what stands on the page may not listen to clicks yet.
    for header in browser.find_elements(_CSS, 'button.label-wrap:not(.open)'):
      browser.execute_script('arguments[0].click()', header)
    return page.find('#scale-1 input[type=range]') and page.find('#blend input')

  page.until(all_is_open)
  return page


def _resize(browser, width, height, scheme):
  """Makes the page's window another one, of a visitor with a light or dark system."""
  browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(
      width=width, height=height, deviceScaleFactor=1, mobile=False))
  browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(
      features=[dict(name='prefers-color-scheme', value=scheme)]))


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
const first = [...document.querySelectorAll('#right input')].find((e) => e.checkVisibility());
return {scroll: document.documentElement.scrollWidth, width: innerWidth,
        beside: slider.left >= picture.right, first: first.getBoundingClientRect().top,
        top: slider.top, bottom: picture.bottom,
        slider: slider.width, picture: picture.width,
        unnamed: [...document.querySelectorAll('img:not([alt])')].length,
        silent: [...document.querySelectorAll('button, input')].filter((e) =>
            e.checkVisibility() && !e.ariaLabel && !e.textContent.trim() && !e.labels?.length
            && !e.closest('label')).map((e) => e.outerHTML.slice(0, 200))};
"""


def check_screen(browser, address, width, scheme):
  """Everything can be read and reached on a screen, by a visitor with a light or dark system."""
  _resize(browser, width, 844, scheme)
  try:
    browser.get(address + '/?seed=1')
    page = Page(browser)
    page.until(lambda: 'Sample 1' in page.find('#picture').text)
    dark = browser.execute_script("return document.body.classList.contains('dark')")
    assert dark == (scheme == 'dark')
    seen, faint = browser.execute_script(_FAINT)
    assert seen > 30 and not faint, (seen, faint)
    layout = browser.execute_script(_LAYOUT)
    assert layout['scroll'] <= layout['width'] and layout['beside'], layout
    assert layout['first'] < layout['bottom'] and layout['top'] < 844, layout
    assert layout['slider'] > 60 and layout['picture'] > 120, layout
    assert not layout['unnamed'] and not layout['silent'], layout
  finally:
    browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[]))
