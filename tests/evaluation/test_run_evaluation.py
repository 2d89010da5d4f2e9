"""The best weights are those of the validation images; the test images are only measured."""

import os
import shutil

import numpy as np
import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import evaluation
from tfp_glow import runs
from tfp_glow import training
from tfp_glow.commands import evaluate
from tfp_glow.evaluation import evaluator as evaluator_lib
from tfp_glow.runs import opening

pytestmark = pytest.mark.usefixtures('blots', 'stub_flow')

_FIELDS = dict(early_stopping__patience=3, dataset__validation_percent=20, eval_every=2)
# Steps 2, 4, ..., 16 of a run that may have 40.
_CONFIG = tiny.config(num_steps=40, checkpoint_every=6, **_FIELDS)
_BITS = [5., 4., 3., 3.5, 2.5, 2.5, 2.6, 9.]
_BEST, _LAST = 10, 16


@pytest.fixture(name='bits', autouse=True)
def fixture_bits(monkeypatch):
  """Replaces the bits/dim of the split that chooses by those of `_BITS`."""

  class Planned(evaluation.Evaluator):
    choosing, bits = 'validation', list(_BITS)

    def __call__(self, split='test', *args, **kwargs):
      result = super().__call__(split, *args, **kwargs)
      return {**result, 'eval_bpd': Planned.bits.pop(0)} if split == Planned.choosing else result

  monkeypatch.setattr(evaluator_lib, 'Evaluator', Planned)
  monkeypatch.setattr(evaluation, 'Evaluator', Planned)
  return Planned


def _best(path):
  """The best weights in the newest checkpoint, as bytes."""
  return [v.numpy().tobytes() for v in runs.load_trained(_CONFIG, path).model.variables]


def _evaluations(path):
  return [line for line in tiny.lines(path) if 'eval_bpd' in line]


def test_stops_and_keeps_the_best(tmp_path, bits, capfd):
  path = str(tmp_path / 'run')
  result = training.train(_CONFIG, path, tiny.one_device())
  assert result['step'] == _LAST and not bits.bits
  assert result['best_eval_step'] == result['weights_of_step'] == _BEST
  assert result['best_eval_bpd'] == 2.5 and result['best_eval_split'] == 'validation'
  stop, final = tiny.lines(path)[-2:]
  assert stop == dict(stop, event='early_stop', step=_LAST, best_eval_step=_BEST)
  assert final['event'] == 'final' and result == {name: final[name] for name in result}
  error = capfd.readouterr().err
  assert f'step {_LAST}: stopped early, 3 evaluations were not below 2.5000 bits/dim' in error
  run = runs.load_trained(_CONFIG, path)
  assert run.step == _BEST

  # What is kept measures as the run did at its best, and not as it did at its end.
  *_, before_the_end, at_the_end, _ = _evaluations(path)
  at_its_best = next(line for line in _evaluations(path) if line['step'] == _BEST)
  assert result['eval_bpd'] == at_its_best['eval_bpd'] != at_the_end['eval_bpd']
  assert [line['eval_validation_bpd'] for line in _evaluations(path)[:-1]] == _BITS
  assert before_the_end['num_images'] == 53
  assert evaluate.run(_CONFIG, path, tiny.one_device())['eval_bpd'] == result['eval_bpd']

  assert training.train(_CONFIG, path, tiny.one_device()) is None
  assert (f'is finished (stopped early after step {_LAST}, the best was {_BEST})'
          in capfd.readouterr().err)

  # Cut back to the checkpoint of step 12, two evaluations before the end, it ends alike.
  best, weights = _best(path), tiny.weights(path)
  again = str(tmp_path / 'again')
  shutil.copytree(path, again)
  tiny.drop_newest(again)
  bits.bits = _BITS[12 // 2:]
  assert training.train(_CONFIG, again, tiny.one_device()) == result
  assert _best(again) == best and tiny.weights(again) == weights


def test_a_run_that_never_stops_early_also_keeps_the_best(tmp_path, bits):
  path = str(tmp_path / 'run')
  bits.bits = [2., 3.]
  result = training.train(tiny.config(num_steps=4, **_FIELDS), path, tiny.one_device())
  assert result['step'] == 4 and result['best_eval_step'] == result['weights_of_step'] == 2
  assert runs.load_trained(tiny.config(num_steps=4, **_FIELDS), path).step == 2
  assert [line['event'] for line in tiny.lines(path) if 'event' in line] == ['final']


def test_where_nothing_is_chosen_nothing_is_best(tmp_path, bits):
  path = str(tmp_path / 'run')
  result = training.train(tiny.config(num_steps=4, eval_every=2), path, tiny.one_device())
  assert bits.bits == _BITS
  assert not [name for line in [result, *tiny.lines(path)] for name in line if 'best' in name]


def test_patience_belongs_to_the_run(tmp_path, bits):
  bits.bits = [2.]
  path, fields = str(tmp_path / 'run'), dict(num_steps=2, dataset__validation_percent=20)
  training.train(tiny.config(**fields), path, tiny.one_device())
  with pytest.raises(errors.UserError, match='early_stopping.patience: 0 -> 3'):
    training.train(tiny.config(early_stopping__patience=3, **fields), path, tiny.one_device())


def test_stopping_early_needs_validation_images(tmp_path):
  config = tiny.config(early_stopping__patience=3)
  with pytest.raises(errors.UserError, match='patience=3 needs images .*validation_percent=10'):
    training.train(config, str(tmp_path / 'new' / 'run'), tiny.one_device())
  assert not os.listdir(tmp_path)


def test_a_run_that_chose_by_the_test_images_goes_on_so_and_says_it(
    tmp_path, bits, monkeypatch, capfd):
  """As version 0.1 did; its runs had no validation split."""
  path, bits.choosing = str(tmp_path / 'run'), 'test'
  fields = dict(early_stopping__patience=3, eval_every=2, optimizer__schedule='constant')
  bits.bits = [2., 3., 0.]  # The last is that of the best weights, at the end.
  with monkeypatch.context() as patch:
    patch.setattr(opening, '_check_early_stopping', lambda run, report: None)
    training.train(tiny.config(num_steps=4, **fields), path, tiny.one_device())
  bits.bits = [2.5, 1., 9.]
  result = training.train(tiny.config(num_steps=8, **fields), path, tiny.one_device())
  assert result['best_eval_step'] == 8 and result['best_eval_bpd'] == 1.
  assert result['best_eval_split'] == 'test'
  assert 'The run chooses its best weights by the test images, as it began' in (
      capfd.readouterr().err)


def test_few_images_while_training_and_all_at_the_end(tmp_path, source):
  path = str(tmp_path / 'run')
  config = tiny.config(num_steps=4, eval_every=2, evaluation__max_images=21)
  result = training.train(config, path, tiny.one_device())
  *during, final = _evaluations(path)
  assert [(line['num_images'], line['num_test_images']) for line in during] == [(21, 53)] * 2
  assert final['event'] == 'final' and final['num_images'] == result['num_images'] == 53
  assert final['step'] == result['step'] == 4 and 'weights_of_step' not in result
  model = runs.load_trained(config, path).model
  few = evaluation.Evaluator(tiny.one_device(), model, source, 16, noise_draws=1)
  assert during[-1]['eval_bpd'] == few('test', 21)['eval_bpd'] != final['eval_bpd']
  assert during[-1]['eval_train_bpd'] == few('train', 21)['eval_bpd']
  assert final['eval_bpd'] == few('test')['eval_bpd']


def test_time_is_told_by_what_it_went_into(tmp_path):
  training.train(tiny.config(num_steps=4, eval_every=2, sample_every=2, checkpoint_every=2),
                 str(tmp_path), tiny.one_device())
  kinds = ('train_s', 'evaluation_s', 'sampling_s', 'checkpoint_s')
  lines = tiny.lines(tmp_path)
  for name in ('wall_s', *kinds):
    values = [line[name] for line in lines]
    assert values == sorted(values) and values[-1] > 0
  assert lines[-1]['wall_s'] == pytest.approx(sum(lines[-1][name] for name in kinds), abs=.01)
  assert np.all([line['wall_s'] >= line['train_s'] for line in lines])
