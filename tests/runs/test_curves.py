"""The curves of training and test bits/dim: each evaluation once, of the way that counts."""

import json

import numpy as np
from PIL import Image
import pytest

from tfp_glow import errors
from tfp_glow.runs import curves


def _write(path, *lines):
  with open(path, 'w', encoding='utf-8') as f:
    f.writelines(json.dumps(line) + '\n' for line in lines)
  return str(path)


def test_what_a_run_went_back_behind_does_not_count(tmp_path):
  evaluation = lambda step, bits: {'step': step, 'eval_bpd': bits}
  path = _write(
      tmp_path / 'metrics.jsonl', {'step': 5, 'train_bpd': 9.}, evaluation(10, 5.),
      evaluation(20, 4.), evaluation(30, 3.), {'step': 20, 'event': 'resume'}, evaluation(30, 3.),
      evaluation(40, 8.), {'step': 45, 'event': 'recovery', 'to_step': 10}, evaluation(20, 4.5))
  assert curves.read_evaluations(path) == [evaluation(10, 5.), evaluation(20, 4.5)]


@pytest.mark.parametrize('num', [0, 1, 5])
def test_picture(tmp_path, num):
  path = _write(tmp_path / 'metrics.jsonl', *[
      {'step': step, 'eval_bpd': 5. - step, 'eval_train_bpd': None if step == 2 else 4. - step}
      for step in range(num)])
  curves.save_curves(str(tmp_path / 'curves.png'), path)
  picture = np.asarray(Image.open(tmp_path / 'curves.png'))
  assert picture.shape[:2] == (400, 600) and picture.std() > 5


def test_unwritable_folder_is_one_line(tmp_path):
  path = _write(tmp_path / 'metrics.jsonl')
  with pytest.raises(errors.UserError, match='cannot be written'):
    curves.save_curves(str(tmp_path / 'none' / 'curves.png'), path)
