"""The page of a model with classes, in a real browser."""

import contextlib
import threading

import numpy as np
import pytest
from selenium.webdriver.common import keys

from tests.demo import browsing
from tests.serving import tiny
from tfp_glow.demo import page as page_lib
from tfp_glow.demo import server


@contextlib.contextmanager
def serving(model):
  """`http://127.0.0.1:PORT` of the page, which a thread serves as long as this process lives."""
  with server.listen(port=0) as listener:
    threading.Thread(target=server.serve, args=(model, listener), daemon=True).start()
    yield f'http://127.0.0.1:{listener.getsockname()[1]}'


@pytest.fixture(scope='module', name='class_address')
def fixture_class_address(classes):
  with serving(classes) as address:
    yield address


def test_a_class_is_chosen(browser, class_address, classes):
  page = browsing.open_page(browser, class_address + '/?seed=2&class=0')
  latent = classes.sample_latent(0.7, 2)

  def shows(label):
    image = classes.decode(latent, label)
    page.until(lambda: (page.picture() == image).all())
    name, guesses = classes.classes[label], classes.read(image).probabilities
    assert page.find('#picture figcaption').text.startswith(f'Sample 2 as class {name}')
    likeliest = f'The model takes it for: {classes.classes[guesses.argmax()]} '
    page.until(lambda: page.find('#guesses').text.startswith(likeliest))
    page.until(lambda: page.find('#class input:checked').get_attribute('value') == str(label))

  shows(0)
  page.click('#class label:nth-child(3)')
  shows(2)
  there = browser.current_url
  assert page.query() == {'seed': ['2'], 'class': ['2'], 'temperature': ['0.7']}
  page.find('#class input:checked').send_keys(keys.Keys.ARROW_UP)
  shows(1)
  browser.get(there)
  shows(2)


def test_the_wall_has_a_column_for_each_class(browser, class_address, classes):
  page = browsing.open_page(browser, class_address)
  assert '3 classes' in page.find('#facts').text
  assert page.find('#wall').text.split() == classes.classes
  page.pick('wall', 'seed=1&class=1')
  np.testing.assert_array_equal(page.picture(), classes.decode(classes.sample_latent(0.7, 1), 1))
  assert page.find('#wall [aria-pressed=true]').get_attribute('aria-label') == (
      'Sample 1, class dog')
  assert page.find('#class input:checked').get_attribute('value') == '1'


@pytest.mark.parametrize('width, scheme', [(1280, 'light'), (390, 'dark')])
def test_it_can_be_read_on_every_screen(browser, class_address, width, scheme):
  browsing.check_screen(browser, class_address, width, scheme)


def test_many_classes_are_a_list(browser, classes, monkeypatch):
  monkeypatch.setattr(page_lib, '_NUM_BUTTONS', 2)
  with serving(classes) as address:
    page = browsing.open_page(browser, address + '/?seed=1&class=2')
    page.until(lambda: page.find('#class input').get_attribute('value') == 'owl')
    assert page.find('#class input').is_displayed()
