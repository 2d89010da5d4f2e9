"""The picture of training and test bits/dim."""

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


@pytest.mark.parametrize('num', [0, 1, 5])
@pytest.mark.parametrize('suffix', ['', '_given_label'])
def test_picture(tmp_path, num, suffix):
  best = {f'best_eval_bpd{suffix}': 2., 'best_eval_step': 0, 'best_eval_split': 'validation'}
  path = _write(tmp_path / 'metrics.jsonl', *[
      {'step': step, 'eval_bpd': 5. - step, f'eval_bpd{suffix}': 4.5 - step,
       f'eval_train_bpd{suffix}': None if step == 2 else 4. - step, **best}
      for step in range(num)])
  curves.save_curves(str(tmp_path / 'curves.png'), path)
  picture = np.asarray(Image.open(tmp_path / 'curves.png'))
  assert picture.shape[:2] == (400, 600) and picture.std() > 5


def test_unwritable_folder_is_one_line(tmp_path):
  path = _write(tmp_path / 'metrics.jsonl')
  with pytest.raises(errors.UserError, match='cannot be written'):
    curves.save_curves(str(tmp_path / 'none' / 'curves.png'), path)
