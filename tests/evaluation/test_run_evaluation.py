"""Training ends when evaluations get no better, and leaves the weights of the best one."""

import glob
import os
import shutil

import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow import evaluation
from tfp_glow import runs
from tfp_glow import training
from tfp_glow.commands import evaluate
from tfp_glow.evaluation import evaluator as evaluator_lib

pytestmark = pytest.mark.usefixtures('blots')

# Steps 2, 4, ..., 16 of a run that may have 40.
_CONFIG = tiny.config(early_stopping__patience=3, num_steps=40, eval_every=2, checkpoint_every=6)
_BITS = [5., 4., 3., 3.5, 2.5, 2.5, 2.6, 9.]
_BEST, _LAST = 10, 16


@pytest.fixture(name='bits', autouse=True)
def fixture_bits(monkeypatch):
  """Replaces the bits/dim of the test split by those of `_BITS`, and remembers the true ones."""

  class Planned(evaluation.Evaluator):
    measured, bits = [], list(_BITS)

    def __call__(self, split='test', *args, **kwargs):
      result = super().__call__(split, *args, **kwargs)
      if split == 'test':
        Planned.measured.append(result['eval_bpd'])
        result['eval_bpd'] = Planned.bits.pop(0)
      return result

  monkeypatch.setattr(evaluator_lib, 'Evaluator', Planned)
  monkeypatch.setattr(evaluation, 'Evaluator', Planned)
  return Planned


def _best(path):
  """The best weights in the newest checkpoint, as bytes."""
  return [v.numpy().tobytes() for v in runs.load_trained(_CONFIG, path).model.variables]


def test_stops_and_keeps_the_best(tmp_path, bits, capfd):
  path = str(tmp_path / 'run')
  result = training.train(_CONFIG, path, tiny.one_device())
  assert result['step'] == _LAST and not bits.bits
  assert result['best_eval_step'] == _BEST and result['best_eval_bpd'] == 2.5
  stop = tiny.lines(path)[-1]
  assert stop == dict(stop, event='early_stop', step=_LAST, best_eval_step=_BEST)
  assert f'step {_LAST}: stopped early, 3 evaluations' in capfd.readouterr().err
  run = runs.load_trained(_CONFIG, path)
  assert run.step == _BEST

  # What is kept measures as the run did at its best, and not as it did at its end.
  at_best, at_end = bits.measured[_BEST // 2 - 1], bits.measured[-1]
  bits.bits = [0.]
  evaluate.run(_CONFIG, path, tiny.one_device())
  assert bits.measured[-1] == pytest.approx(at_best, rel=1e-6) != pytest.approx(at_end, rel=1e-6)

  assert training.train(_CONFIG, path, tiny.one_device()) is None
  assert (f'is finished (stopped early after step {_LAST}, the best was {_BEST})'
          in capfd.readouterr().err)

  # Cut back to the checkpoint of step 12, two evaluations before the end, it ends alike.
  best, weights = _best(path), tiny.weights(path)
  again = str(tmp_path / 'again')
  shutil.copytree(path, again)
  newest = max(glob.glob(f'{again}/checkpoints/ckpt-*.json'), key=os.path.getmtime)
  for file in glob.glob(newest[:-len('json')] + '*'):
    os.remove(file)
  bits.bits = _BITS[12 // 2:]
  assert training.train(_CONFIG, again, tiny.one_device()) == result
  assert _best(again) == best and tiny.weights(again) == weights


def test_a_run_that_never_stops_early_also_keeps_the_best(tmp_path, bits):
  path = str(tmp_path / 'run')
  config = tiny.config(early_stopping__patience=3, num_steps=4, eval_every=2)
  bits.bits = [2., 3.]
  result = training.train(config, path, tiny.one_device())
  assert result['step'] == 4 and result['best_eval_step'] == 2
  assert runs.load_trained(config, path).step == 2
  assert not [line for line in tiny.lines(path) if 'event' in line]


def test_patience_belongs_to_the_run(tmp_path, bits):
  bits.bits = [2.]
  path = str(tmp_path / 'run')
  training.train(tiny.config(num_steps=2), path, tiny.one_device())
  with pytest.raises(errors.UserError, match='early_stopping.patience: 0 -> 3'):
    training.train(tiny.config(num_steps=2, early_stopping__patience=3), path, tiny.one_device())
