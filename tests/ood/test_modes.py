"""The report of --mode=evaluate --ood_dataset."""

import json
import os

import numpy as np
from PIL import Image
import pytest

from tests.training import tiny
from tfp_glow import data
from tfp_glow import ood
from tfp_glow import training
from tfp_glow.ood import scores as scores_lib


@pytest.fixture(name='run', scope='module')
def fixture_run(tmp_path_factory):
  path = str(tmp_path_factory.mktemp('runs') / 'run')
  source = tiny.MemorySource()
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(data, 'load', lambda config: source)
    training.train(tiny.config(eval_every=0), path, tiny.one_device())
    yield path


def test_report(run, capsys):
  config = tiny.config()
  result = ood.evaluate(config, run, ['inverted', 'black'])
  assert json.loads(json.dumps(result)) == result
  picture = result.pop('picture')
  assert os.path.dirname(picture) == run and 'ood_step_12' in picture
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
  again = ood.evaluate(config, run, ['black'])
  assert again['picture'] != picture and again['black'] == result['black']


def test_the_same_images_are_not_told_apart(run, monkeypatch):
  monkeypatch.setitem(ood.DERIVED, 'same', lambda images: images)
  result = ood.evaluate(tiny.config(), run, ['same'])
  assert set(result['same']['auroc'].values()) == {.5}
