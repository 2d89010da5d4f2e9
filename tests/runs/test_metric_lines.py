"""Of a damaged metrics.jsonl the good lines count, and the user is told of the others."""

import pytest

from tfp_glow import errors
from tfp_glow.runs import metric_lines

_GOOD = {'event': 'recovery', 'step': 9, 'to_step': 3, 'eval_bpd': 1.5, 'eval_train_bpd': None}
_TEXT = (b'{"event": "recovery", "step": 9, "to_step": 3, "eval_bpd": 1.5, '
         b'"eval_train_bpd": null}\n')


@pytest.mark.parametrize('damaged', [
    b'{"step": 3, "tra', b'\xff\xfe', b'[1]', b'3', b'null', b'', b'[' * 10**5, b'{}', b'{"step": "3"}',
    b'{"step": true}', b'{"step": 3, "eval_bpd": "1"}', b'{"step": 3, "to_step": null}',
    b'{"step": 3, "eval_train_bpd": [1]}', b'{"step": 3, "best_eval_split": 1}',
    b'{"step": 3, "event": {}}'])
def test_damaged(tmp_path, capsys, damaged):
  path = tmp_path / 'metrics.jsonl'
  path.write_bytes(_TEXT + damaged + b'\n' + _TEXT + damaged)
  assert metric_lines.read_lines(str(path)) == [_GOOD, _GOOD]
  assert capsys.readouterr().err == (
      f'{path} is damaged; lines that do not count: 1, the first of them line 2.\n')


def test_whole(tmp_path, capsys):
  path = tmp_path / 'metrics.jsonl'
  path.write_bytes(_TEXT + _TEXT + b'{"step": 3, "tra')
  assert metric_lines.read_lines(str(path)) == [_GOOD, _GOOD]
  assert not capsys.readouterr().err


def test_unreadable(tmp_path):
  (tmp_path / 'metrics.jsonl').mkdir()
  with pytest.raises(errors.UserError, match='metrics.jsonl cannot be read .Is a directory'):
    metric_lines.read_lines(str(tmp_path / 'metrics.jsonl'))
