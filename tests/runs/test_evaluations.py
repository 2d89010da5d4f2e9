"""What metrics.jsonl tells of evaluations: each once, of the way that counts, under one name."""

import json

from tfp_glow.runs import evaluations


def _write(tmp_path, *lines, end=''):
  path = tmp_path / 'metrics.jsonl'
  path.write_text(''.join(json.dumps(line) + '\n' for line in lines) + end)
  return str(path)


def _evaluation(step, bits):
  return {'step': step, 'eval_bpd': bits}


def test_what_a_run_went_back_behind_does_not_count(tmp_path):
  path = _write(
      tmp_path, {'step': 5, 'train_bpd': 9.}, _evaluation(10, 5.), _evaluation(20, 4.),
      _evaluation(30, 3.), {'step': 20, 'event': 'resume'}, _evaluation(30, 3.),
      _evaluation(40, 8.), {'step': 45, 'event': 'recovery', 'to_step': 10}, _evaluation(20, 4.5),
      end='{"step": 30, "eval_b')
  assert evaluations.read_evaluations(path) == [_evaluation(10, 5.), _evaluation(20, 4.5)]


_OLD = {'step': 10, 'eval_bpd': 5., 'standard_error': .1, 'eval_train_bpd': 4.,
        'best_eval_bpd': 5., 'best_eval_step': 10}
_NEW = {'step': 20, 'eval_bpd': 4.1, 'eval_bpd_given_label': 4., 'eval_train_bpd_given_label': 3.}


def test_of_one_name_there_is_one_figure(tmp_path):
  assert evaluations.read_evaluations(_write(tmp_path, _OLD)) == [_OLD]
  assert evaluations.read_evaluations(_write(tmp_path, _OLD, _NEW)) == [
      {'step': 10, 'eval_bpd_given_label': 5., 'standard_error': .1,
       'eval_train_bpd_given_label': 4., 'best_eval_bpd_given_label': 5., 'best_eval_step': 10},
      _NEW]


def test_whether_the_last_was_given_the_label(tmp_path):
  assert not evaluations.last_is_given_label(str(tmp_path / 'none'))
  for lines, expected in (((), False), ((_OLD,), True), ((_OLD, _NEW), False)):
    assert evaluations.last_is_given_label(_write(tmp_path, *lines)) == expected
