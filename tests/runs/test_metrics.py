"""metrics.jsonl, TensorBoard and the bar."""

import glob
import json
import math

import numpy as np
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import runs
from tfp_glow.runs import metrics as metrics_lib


def _metrics(path, **kwargs):
  return metrics_lib.Metrics(runs.Workdir(str(path)), 10, 0, **kwargs)


def test_lines_and_summaries(tmp_path):
  metrics = _metrics(tmp_path)
  metrics.write(3, {'train_bpd': 2.5, 'wall_s': 1.})
  metrics.write(4, {'train_bpd': math.nan}, event='recovery')
  metrics.picture(4, 'samples', np.full([5, 6, 1], 77, np.uint8))
  metrics.picture(4, 'channels', np.arange(5, dtype=np.uint8) * np.ones([2, 3, 1], np.uint8))
  metrics.close()
  assert tiny.lines(tmp_path) == [
      {'step': 3, 'train_bpd': 2.5, 'wall_s': 1.},
      {'event': 'recovery', 'step': 4, 'train_bpd': None}]
  found = {}
  for path in glob.glob(f'{tmp_path}/tensorboard/events.*'):
    for record in tf.data.TFRecordDataset(path):
      event = tf.compat.v1.Event.FromString(record.numpy())
      for value in event.summary.value:
        plugin = value.metadata.plugin_data.plugin_name
        found[event.step, value.tag, plugin] = tf.make_ndarray(value.tensor)
  assert found[3, 'train_bpd', 'scalars'] == 2.5
  width, height, png = found[4, 'samples', 'images']
  assert (int(width), int(height)) == (6, 5)
  np.testing.assert_array_equal(tf.io.decode_png(png), np.full([5, 6, 1], 77))
  np.testing.assert_array_equal(
      tf.io.decode_png(found[4, 'channels', 'images'][2])[0, 0], [0, 1, 2])


def test_half_a_line_of_a_killed_process_is_cut_off(tmp_path):
  (tmp_path / 'metrics.jsonl').write_text(json.dumps({'step': 1}) + '\n{"step": 2, "tra')
  metrics = _metrics(tmp_path)
  metrics.write(2, {'train_bpd': 1.})
  metrics.close()
  assert tiny.lines(tmp_path) == [{'step': 1}, {'step': 2, 'train_bpd': 1.}]


def test_bar(tmp_path, capsys):
  metrics = _metrics(tmp_path)
  metrics.step(5)
  metrics.show(2.5, 120.)
  metrics.say('an event')
  metrics.close()
  shown = capsys.readouterr().err
  assert 'step 5/10' in shown and '2.500 bits/dim, 120 images/s' in shown and 'an event\n' in shown


def test_other_workers_write_nothing(tmp_path, capsys):
  metrics = _metrics(tmp_path, is_chief=False)
  metrics.step(1)
  metrics.show(1., 1.)
  metrics.write(1, {'train_bpd': 1.})
  metrics.picture(1, 'samples', None)
  metrics.say('an event')
  metrics.close()
  assert not list(tmp_path.iterdir()) and capsys.readouterr().err == ''
