import pytest

from tests.data import small_set


@pytest.fixture(scope='session')
def prepared_dir(tmp_path_factory):
  """A folder for prepared data sets, shared so that each is prepared once."""
  return str(tmp_path_factory.mktemp('tensorflow_datasets'))


@pytest.fixture(scope='session', autouse=True)
def own_data_dir(prepared_dir):
  """Keeps what tests prepare out of the user's own folder, and what lies there out of tests."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('TFDS_DATA_DIR', prepared_dir)
    yield


@pytest.fixture(scope='session')
def small(own_data_dir, prepared_dir):
  """The name of a small data set of TFDS, prepared."""
  del own_data_dir
  small_set.GlowTestSmall(data_dir=prepared_dir).download_and_prepare()
  return 'glow_test_small'
