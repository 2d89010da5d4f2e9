"""Weights go where a model has them by the same name and in the same shape."""

import numpy as np
import pytest

from tests import tiny_run as tiny
from tfp_glow import errors
from tfp_glow.runs import initial_weights
from tfp_glow.runs import trained


def _model(random_seed, **changes):
  """A model whose weights are unlike those of any other seed."""
  model = trained.make_model(tiny.config(**changes), (8, 8, 1))
  random = np.random.RandomState(random_seed)
  for variable in model.trainable_variables:
    variable.assign(random.normal(size=variable.shape))
  return model


def _values(model):
  return [variable.numpy().tobytes() for variable in model.variables]


def test_all_of_a_model_of_the_same_shape_fixed_ones_included():
  source, target = _model(1, seed=5), _model(2, model__num_classes=0)
  assert _values(source) != _values(target)
  taken, missing = initial_weights.take_weights(source, target)
  assert _values(source) == _values(target) and len(taken) == len(target.variables)
  assert not missing


@pytest.mark.parametrize('changes, missing_names', [
    (dict(model__depth=3), {'levels/0/actnorm/bias', 'levels/0/linear/sign'}),
    (dict(model__hidden_channels=9), {'levels/0/coupling_weights/0'}),
    (dict(model__num_levels=2), {'levels/1/linear/lower', 'top/bias', 'splits/0/'})])
def test_what_is_not_there_keeps_its_own(changes, missing_names):
  source, target = _model(1), _model(2, **changes)
  before, theirs = _values(target), set(_values(source))
  taken, missing = initial_weights.take_weights(source, target)
  assert all(any(found.startswith(name) for found in missing) for name in missing_names)
  after = _values(target)
  assert len(after) == len(taken) + len(missing) and len(taken) > 0
  kept = [new for old, new in zip(before, after) if old == new]
  assert len(kept) >= len(missing)
  assert all(new in theirs for old, new in zip(before, after) if old != new)


def test_describe():
  line = initial_weights.describe('runs/a', ['a'] * 3, list('bcdefgh'))
  assert line == ('Beginning with the weights of runs/a: 3 of 10 arrays; not there, or of another '
                  'shape: b, c, d, e, f and 2 more.')
  assert initial_weights.describe('runs/a', ['a'], []) == (
      'Beginning with the weights of runs/a: 1 of 1 arrays.')
  with pytest.raises(errors.UserError, match='runs/a holds no weight that fits this model'):
    initial_weights.describe('runs/a', [], ['a'])
