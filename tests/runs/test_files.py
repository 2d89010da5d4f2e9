"""Files are written whole or not at all."""

import os
import resource

import pytest
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.runs import files


def test_a_failed_write_keeps_the_older_file(tmp_path):
  path = str(tmp_path / 'file')
  files.write_text(path, 'old')
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
  try:
    with pytest.raises(OSError):
      files.write_text(path, 'new' * 1000)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
  assert (tmp_path / 'file').read_text() == 'old'
  assert os.listdir(tmp_path) == ['file']


def test_nothing_is_left_of_what_was_not_finished(tmp_path):
  path = str(tmp_path / 'file')
  for error in (ValueError, KeyboardInterrupt):
    with pytest.raises(error):
      with files.written_whole(path) as temporary:
        with open(temporary, 'w', encoding='utf-8') as f:
          f.write('half')
        raise error
  assert not os.listdir(tmp_path)
  for text in ('old', 'new'):
    with files.written_whole(path) as temporary:
      with open(temporary, 'w', encoding='utf-8') as f:
        f.write(text)
    assert (tmp_path / 'file').read_text() == text
  assert os.listdir(tmp_path) == ['file']


def test_fingerprint(tmp_path):
  (tmp_path / 'file').write_bytes(b'abc')  # Whose digest FIPS 180-4 gives as its example.
  assert files.fingerprint(str(tmp_path / 'file')) == {
      'bytes': 3, 'sha256': 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'}
  (tmp_path / 'file').write_bytes(b'x' * (2**20 + 1))
  assert files.fingerprint(str(tmp_path / 'file'))['bytes'] == 2**20 + 1


def test_unused_name(tmp_path):
  path = str(tmp_path / 'a.b.png')
  assert files.unused_name(path) == path
  for number in (2, 3):
    (tmp_path / os.path.basename(files.unused_name(path))).write_text('')
    assert files.unused_name(path) == str(tmp_path / f'a.b_{number}.png')


def test_a_link_to_nothing_is_a_name_in_use(tmp_path):
  path = str(tmp_path / 'a.png')
  os.symlink(tmp_path / 'a disk that is away', path)
  assert files.unused_name(path) == str(tmp_path / 'a_2.png')


def test_reasons_are_one_line():
  assert files.reason(OSError(28, 'No space left on device')) == 'No space left on device'
  error = tf.errors.UnknownError(None, None, '{{function_node f}} No space [Op:SaveV2]\nb')
  assert files.reason(error) == 'No space'
  assert files.reason(ValueError()) == 'ValueError'


@pytest.mark.parametrize('name, is_pattern', [('plain ~', False), ('br[1]ack', True), ('a*', True)])
def test_plain_path(tmp_path, name, is_pattern):
  folder = tmp_path / name
  folder.mkdir()
  with files.plain_path(str(folder)) as path:
    assert (path != str(folder)) == is_pattern and '[' not in path and '*' not in path
    with open(os.path.join(path, 'file'), 'w', encoding='utf-8') as f:
      f.write('text')
  assert os.path.exists(path) != is_pattern
  assert (folder / 'file').read_text() == 'text'


def test_one_line_errors():
  with pytest.raises(errors.UserError, match='x/y cannot be written .No space left'):
    with files.one_line_errors('x/y'):
      raise OSError(28, 'No space left on device')
