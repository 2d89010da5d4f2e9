"""A damaged export is named by its file, or reads as before."""

import json
import shutil

import pytest

from benchmarks import damaged_exports
from tests.serving import tiny
import tfp_glow
from tfp_glow import errors
from tfp_glow import serving
from tfp_glow.demo import served_model

_FILES = ['fingerprint.pb', 'saved_model.pb', 'variables/variables.index',
          'variables/variables.data-00000-of-00001', 'assets.extra/model.json',
          'assets.extra/directions.npz', 'assets.extra/examples.npz', 'assets.extra/tensors.txt',
          'assets.extra/manifest.json']


@pytest.fixture(name='export')
def fixture_export(tmp_path):
  return shutil.copytree(tiny.tiny().path, tmp_path / '7')


def check(export, message):
  """Both readers refuse it in one line."""
  for read in (tfp_glow.load, served_model.ServedModel):
    with pytest.raises(errors.UserError, match=message) as error:
      read(str(export))
    assert '\n' not in str(error.value)


def test_it_lists_every_file_but_itself(export):
  found = {str(file.relative_to(export)) for file in export.rglob('*') if file.is_file()}
  assert found == set(_FILES)
  manifest = json.loads((export / 'assets.extra' / 'manifest.json').read_text())
  assert set(manifest['files']) == set(_FILES[:-1])


@pytest.mark.parametrize('file', _FILES)
@pytest.mark.parametrize('damage', ['flip', 'cut', 'delete'])
def test_each_file_is_named(export, file, damage):
  content = bytearray((export / file).read_bytes())
  if damage == 'delete':
    (export / file).unlink()
  elif damage == 'cut':
    (export / file).write_bytes(content[:len(content) // 2])
  else:
    content[0] ^= 1
    (export / file).write_bytes(content)
  check(export, file)


@pytest.mark.parametrize('manifest', [
    [], None, {}, {'files': []}, {'files': {}}, {'files': {'saved_model.pb': 3}},
    {'files': {name: {'bytes': '1', 'sha256': 2} for name in _FILES}}])
def test_a_manifest_of_other_types(export, manifest):
  (export / 'assets.extra' / 'manifest.json').write_text(json.dumps(manifest))
  check(export, 'manifest.json .*copy the export again')


def test_what_is_added_later_is_no_damage(export):
  (export / 'assets.extra' / 'tf_serving_warmup_requests').write_bytes(b'requests')
  assert tfp_glow.load(str(export)).image_shape == tiny.SHAPE


def without_manifest(export, **changes):
  """Makes it an export of version 0.1, with other fields in model.json."""
  (export / 'assets.extra' / 'manifest.json').unlink()
  file = export / 'assets.extra' / 'model.json'
  description = json.loads(file.read_text())
  del description['manifest']
  file.write_text(json.dumps({**description, **changes}))


def test_version_0_1_had_none(export):
  without_manifest(export)
  assert tfp_glow.load(str(export)).image_shape == tiny.SHAPE
  assert list(serving.Export(str(export)).read_directions()) == ['smile', 'hat', 'hat->smile']


@pytest.mark.parametrize('field, value', [
    ('step', '7'), ('seed', None), ('seed', True), ('image_shape', [8, 8]),
    ('image_shape', [8, 0, 3]), ('image_shape', '883'), ('latent_shapes', [[4, 4, 6], 3]),
    ('directions', {'smile': 1}), ('directions', [1]), ('classes', [1]), ('model', []),
    ('dataset', 'mnist5k'),
    ('sampling', {}), ('sampling', {'temperature': 'warm'}), ('sampling', {'temperature': -1})])
def test_without_it_a_field_of_another_type_is_named(export, field, value):
  without_manifest(export, **{field: value})
  check(export, f'model.json is damaged: its {field} must be ')


@pytest.mark.parametrize('file, message', [
    ('directions.npz', 'directions.npz.*No such file'),
    ('model.json', 'model.json: No such file')])
def test_without_it_nothing_is_silently_gone(export, file, message):
  without_manifest(export)
  (export / 'assets.extra' / file).unlink()
  with pytest.raises(errors.UserError, match=message):
    served_model.ServedModel(str(export))


def test_without_it_other_arrays_are_told(export):
  without_manifest(export, directions=['smile', 'frown', 'hat'])
  with pytest.raises(errors.UserError, match='does not hold the directions that model.json names'):
    served_model.ServedModel(str(export))
  without_manifest_examples = export / 'assets.extra' / 'examples.npz'
  shutil.copy(export / 'assets.extra' / 'directions.npz', without_manifest_examples)
  with pytest.raises(errors.UserError, match='examples.npz cannot be read'):
    serving.Export(str(export)).read_examples()


def test_random_damage():
  """To the export with classes, which holds all that the other does."""
  result = damaged_exports.run(tiny.classes().path, num=20, seed=1)
  assert not result.faults and result.counts['refused'] > 12
