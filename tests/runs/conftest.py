"""Every test of this folder has blots for a data set."""

import pytest


@pytest.fixture(autouse=True)
def always_blots(blots):
  del blots
