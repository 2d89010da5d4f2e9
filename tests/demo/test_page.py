"""The page as a visitor finds it, in a real browser."""

import json
import time
import urllib.parse

import numpy as np
from PIL import Image
import pytest
from selenium.webdriver.common import keys
import tensorflow as tf

from tests.demo import browsing
from tests.serving import tiny


@pytest.fixture(name='page')
def fixture_page(browser, address):
  return browsing.open_page(browser, address)


def bits_of(image):
  outputs = tiny.call(
      tiny.signatures(), 'serving_default', image_bytes=[tf.io.encode_png(image).numpy()])
  return float(outputs['bits_per_dim'][0])


def test_it_opens_with_a_test_image_its_reconstruction_and_its_bits(page):
  image = tiny.make_images(6, 4)[0]
  for name in ('picture', 'original', 'reconstruction'):
    np.testing.assert_array_equal(page.picture(name), image)
  assert page.bits() == pytest.approx(bits_of(image), abs=1e-3)
  assert page.find('#histogram').is_displayed() and page.find('#histogram line')
  assert '% of the test images' in page.find('#bits').text


def test_it_says_what_it_is(page):
  config = tiny.tiny().config
  assert page.find('h1').text == f'Explore what a Glow learned from {config.dataset.name}'
  facts = page.find('#facts').text
  assert '8 x 8 colour images' in facts and 'bits/dim on 40 test images' in facts
  assert 'weights' in facts and f'trained for {tiny.STEP} steps, until {tiny.DAY}' in facts


def test_samples_depend_on_seed_and_temperature(page):
  model = tiny.tiny().model
  page.enter('#seed input', '5')
  page.click_and_wait('#sample')
  first = page.picture()
  np.testing.assert_array_equal(first, model.sample(1, 0.7, (0, 5))[0])
  assert page.bits() == pytest.approx(bits_of(first), abs=1e-3)
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
  assert page.bits() == pytest.approx(bits_of(image), abs=1e-3)


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
  assert page.query() == {
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


@pytest.mark.parametrize('width, scheme', [(1280, 'light'), (1280, 'dark'), (390, 'light'),
                                           (390, 'dark')])
def test_it_can_be_read_on_every_screen(browser, address, width, scheme):
  browsing.check_screen(browser, address, width, scheme)


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
