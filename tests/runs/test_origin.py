"""A run knows its data and the weights that it began with."""

import json
import os

import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import runs
from tfp_glow.runs import origin as origin_lib


class _Source:
  """A source with a fingerprint of its own."""

  name = 'folder'

  def __init__(self, digest='a', class_names=(), image_shape=(8, 8, 1)):
    self.class_names, self.image_shape = list(class_names), image_shape
    self.fingerprint = {'kind': 'arrays', 'images': {'train': 9, 'test': 1}, 'digest': digest}


@pytest.fixture(name='origin')
def fixture_origin(tmp_path):
  return origin_lib.Origin(runs.Workdir(str(tmp_path)))


def test_reads_what_it_wrote(origin):
  assert origin.read() == {}
  origin.write(_Source(), 'runs/a')
  assert origin.read() == {
      'data': _Source().fingerprint, 'image_shape': [8, 8, 1], 'init_from': 'runs/a'}


def test_other_data_are_refused(origin):
  assert origin.check_data(_Source()) is None, 'version 0.1 kept nothing to compare with'
  origin.write(_Source())
  assert origin.check_data(_Source()) is None
  with pytest.raises(errors.UserError, match=(
      r'cannot go on with other data: the data set was one of files with the digest a \(1 test, 9 '
      r'train images\), .* and --init_from=')):
    origin.check_data(_Source('b'))


def test_data_that_grew_are_told_of(origin, monkeypatch):
  origin.write(_Source())
  change = type('Change', (), dict(is_other=False, message='the folder has 3 new pictures'))
  monkeypatch.setattr('tfp_glow.data.describe_change', lambda old, new: change)
  assert origin.check_data(_Source('b')) == (
      'The data of the run have changed: the folder has 3 new pictures.')


@pytest.mark.parametrize('begun, given, message', [
    (None, 'a', 'began with new weights, and --init_from=a comes too late'),
    ('b', 'a', 'began with the weights of b, and --init_from=a comes too late')])
def test_other_weights_come_too_late(origin, begun, given, message):
  origin.write(_Source(), begun)
  with pytest.raises(errors.UserError, match=message):
    origin.check_init_from(given)
  assert origin.check_init_from(None) == begun


def test_the_same_weights_may_be_named_again(origin, tmp_path):
  origin.write(_Source(), str(tmp_path / 'a'))
  assert origin.check_init_from(os.path.join(str(tmp_path), 'x', '..', 'a')) == str(tmp_path / 'a')


@pytest.mark.parametrize('damage', [
    lambda text: text[:-5], lambda text: text.replace('"a"', '"b"'), lambda text: '[]',
    lambda text: ''])
def test_damaged(origin, tmp_path, damage):
  origin.write(_Source())
  path = tmp_path / 'origin.json'
  path.write_text(damage(path.read_text()))
  with pytest.raises(errors.UserError, match='origin.json cannot be read .*from a backup, or del'):
    origin.read()


@pytest.mark.parametrize('record, why', [
    (dict(data=[1]), 'its data are no fingerprint'), (dict(data={}), 'its data are no fingerprint'),
    (dict(data='x'), 'its data are no fingerprint'), (dict(image_shape=[8, 8]), 'its image_shape'),
    (dict(image_shape=[8, 8, 0]), 'its image_shape'), (dict(init_from=3), 'its init_from is 3'),
    (dict(classes='ab'), 'its classes are ab'), (dict(classes=[1]), r'its classes are \[1')])
def test_a_record_of_something_else(origin, tmp_path, record, why):
  (tmp_path / 'origin.json').write_text(json.dumps(record))
  with pytest.raises(errors.UserError, match=f'origin.json cannot be read .{why}'):
    origin.check_data(_Source())


@pytest.mark.parametrize('now, is_refused', [
    (['ant', 'bee', 'cat'], False), (['ant', 'bees', 'cat'], False), (['x', 'y', 'z'], False),
    (['bee', 'cat', 'emu'], True), (['ant', 'cat', 'emu'], True), (['bee', 'ant', 'cat'], True)])
def test_classes_keep_their_numbers(origin, now, is_refused):
  origin.write(_Source(class_names=['ant', 'bee', 'cat']), has_classes=True)
  assert origin.read()['classes'] == ['ant', 'bee', 'cat']
  source = _Source(class_names=now)
  if not is_refused:
    assert origin.check_data(source) is None
    return
  with pytest.raises(errors.UserError, match=(
      f'the class .* has the number .* whose classes are ant, bee, cat, and those of the data are '
      f'{", ".join(now)}; give')):
    origin.check_data(source)


def test_a_model_of_no_classes_has_no_names_to_keep(origin):
  origin.write(_Source(class_names=['ant', 'bee']))
  assert origin.check_data(_Source(class_names=['bee', 'cat'])) is None


def test_images_of_another_shape_are_refused(origin):
  origin.write(_Source())
  with pytest.raises(errors.UserError, match=(
      'images of folder are 8x8x3, and those of the run in .* are 8x8x1 .* grey where all')):
    origin.check_data(_Source(image_shape=(8, 8, 3)))


def test_a_real_fingerprint_is_one_for_json(origin):
  source = tiny.MemorySource()
  origin.write(source)
  assert origin.read()['data'] == json.loads(json.dumps(source.fingerprint))
  assert origin.check_data(source) is None
