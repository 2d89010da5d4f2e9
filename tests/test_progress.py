"""A bar where it takes long, silence where it does not."""

import time

import pytest

from tfp_glow import progress


@pytest.mark.parametrize('patience, shown', [(0., True), (5., False)])
def test_shown_only_after_a_while(monkeypatch, capsys, patience, shown):
  monkeypatch.setattr(progress, '_PATIENCE_S', patience)
  assert list(progress.progress('abc', 3, 'measuring')) == ['a', 'b', 'c']
  assert ('measuring 0/3' in capsys.readouterr().err) == shown


def test_shown_while_the_first_element_takes_long(monkeypatch, capsys):
  monkeypatch.setattr(progress, '_PATIENCE_S', .01)
  elements = progress.progress('abc', 3, 'measuring')
  assert next(elements) == 'a'
  shown = ''
  while 'measuring 0/3' not in shown:
    time.sleep(.01)
    shown += capsys.readouterr().err
  elements.close()
