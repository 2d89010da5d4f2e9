"""A bar where it takes long, silence where it does not."""

import pytest

from tfp_glow.runs import progress


@pytest.mark.parametrize('patience, shown', [(0., True), (5., False)])
def test_shown_only_after_a_while(monkeypatch, capsys, patience, shown):
  monkeypatch.setattr(progress, '_PATIENCE_S', patience)
  assert list(progress.progress('abc', 3, 'measuring')) == ['a', 'b', 'c']
  assert ('measuring 0/3' in capsys.readouterr().err) == shown
