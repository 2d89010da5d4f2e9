"""Fixtures for the tests of examples."""

import pytest


@pytest.fixture(scope='session')
def digits_folder(tmp_path_factory):
  """Where the digits that come with the packages are prepared, once."""
  with pytest.MonkeyPatch.context() as patch:
    folder = tmp_path_factory.mktemp('prepared')
    patch.setenv('TFDS_DATA_DIR', str(folder))
    yield folder
