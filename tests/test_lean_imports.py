"""Loading TensorFlow leanly leaves a process as any other."""

import gc
import sys

import pytest

from tfp_glow import lean_imports


@pytest.fixture(autouse=True)
def fixture_process_that_starts(monkeypatch):
  for name in ('tensorflow', 'sklearn'):
    monkeypatch.delitem(sys.modules, name, raising=False)
  was_enabled = gc.isenabled()
  gc.enable()
  yield
  (gc.enable if was_enabled else gc.disable)()


def test_all_is_as_before_even_after_an_import_that_failed():
  with pytest.raises(ModuleNotFoundError, match='nobody_has_this'):
    with lean_imports.lean_imports():
      assert not gc.isenabled()
      with pytest.raises(ImportError):
        import sklearn  # pylint: disable=import-outside-toplevel,unused-import
      import nobody_has_this  # pylint: disable=import-outside-toplevel,unused-import
  assert gc.isenabled() and 'sklearn' not in sys.modules


@pytest.mark.parametrize('loaded', ['tensorflow', 'sklearn'])
def test_what_is_loaded_stays(monkeypatch, loaded):
  monkeypatch.setitem(sys.modules, loaded, module := object())
  with lean_imports.lean_imports():
    assert gc.isenabled() and sys.modules[loaded] is module
  assert gc.isenabled() and sys.modules[loaded] is module
