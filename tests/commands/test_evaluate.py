"""Evaluating a finished run, and telling other images apart."""

import json
import os

import numpy as np
from PIL import Image
import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import evaluation
from tfp_glow.commands import evaluate
from tfp_glow.evaluation import scores as scores_lib

pytestmark = pytest.mark.usefixtures('blots')

_CONFIG = tiny.config(sample_every=6)


def test_gives_the_last_line_of_training(finished_run):
  last = tiny.lines(finished_run)[-1]
  result = evaluate.run(_CONFIG, finished_run, tiny.one_device())
  assert result.pop('split') == 'test'
  assert result == {name: last[name] for name in result} and result['num_images'] == 53


def test_on_two_devices(finished_run):
  last = tiny.lines(finished_run)[-1]
  result = evaluate.run(_CONFIG, finished_run, tiny.two_devices())
  assert result['eval_bpd'] == pytest.approx(last['eval_bpd'], rel=1e-6)


def test_refuses(finished_run, tmp_path):
  with pytest.raises(errors.UserError, match='--importance_samples=0 must be at least 1'):
    evaluate.run(_CONFIG, finished_run, tiny.one_device(), importance_samples=0)
  with pytest.raises(errors.UserError, match='--ood_dataset= names none; leave it out'):
    evaluate.run(_CONFIG, finished_run, tiny.one_device(), ood_dataset=[])
  with pytest.raises(errors.UserError, match='holds no usable checkpoint; train first'):
    evaluate.run(_CONFIG, str(tmp_path), tiny.one_device())


def test_report_of_other_images(finished_run, capsys):
  result = evaluate.run(
      _CONFIG, finished_run, tiny.one_device(), ood_dataset=['inverted', 'black'])
  assert json.loads(json.dumps(result)) == result
  assert result['eval_bpd'] == tiny.lines(finished_run)[-1]['eval_bpd']
  result = result['ood']
  picture = result.pop('picture')
  assert os.path.dirname(picture) == finished_run and 'ood_step_12' in picture
  assert np.asarray(Image.open(picture)).std() > 10
  assert set(result) == {'inverted', 'black'}
  for found in result.values():
    assert found['num_images'] == 53 and tuple(found['auroc']) == scores_lib.NAMES
    assert all(0 <= value <= 1 for value in found['auroc'].values())
  # The blots are dark: their negatives lie far from what the flow has seen.
  assert result['inverted']['auroc']['log_prob'] > .95
  table = capsys.readouterr().err.splitlines()
  assert [line.split()[0] for line in table[-4:]] == ['AUROC', 'test', 'inverted', 'black']
  assert f'{result["black"]["bpd"]:.3f}' in table[-1]
  again = evaluate.tell_apart(_CONFIG, finished_run, ['black'])
  assert again['picture'] != picture and again['black'] == result['black']


def test_the_same_images_are_not_told_apart(finished_run, monkeypatch):
  monkeypatch.setitem(evaluation.DERIVED, 'same', lambda images: images)
  result = evaluate.tell_apart(_CONFIG, finished_run, ['same'])
  assert set(result['same']['auroc'].values()) == {.5}
