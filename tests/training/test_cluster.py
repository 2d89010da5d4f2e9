"""Strategies by name, this process's place, and batches dealt out in order."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_run as tiny
from tfp_glow import data
from tfp_glow import errors
from tfp_glow import training


def test_default(monkeypatch):
  monkeypatch.delenv('TF_CONFIG', raising=False)
  for name in ('auto', 'default'):
    cluster = training.make_cluster(name)
    assert cluster.num_replicas == cluster.num_workers == 1 and cluster.is_chief


@pytest.mark.parametrize('tf_config, message', [
    ('', '--strategy=multi_worker needs TF_CONFIG'),
    ('{"cluster": ', 'TF_CONFIG must be JSON such as'),
    ('[]', 'TF_CONFIG must be JSON such as'),
    (json.dumps({'cluster': {'worker': ['a:1']}}), 'TF_CONFIG must be JSON .*task'),
    (json.dumps({'cluster': {'worker': ['a:1']}, 'task': {'type': 'worker', 'index': 1}}),
     'TF_CONFIG must be JSON .*not in')])
def test_unusable_tf_config(monkeypatch, tf_config, message):
  monkeypatch.setenv('TF_CONFIG', tf_config)
  with pytest.raises(errors.UserError, match=message):
    training.make_cluster('multi_worker')


@pytest.mark.parametrize('arguments, message', [
    (('tpu',), '--strategy=tpu is unknown; choose one of auto'),
    (('mirrored', -1), '--logical_cpus=-1 must be a number from 0 to 64'),
    (('mirrored', 10**5), '--logical_cpus=100000 must be a number from 0 to 64')])
def test_refuses(arguments, message):
  with pytest.raises(errors.UserError, match=message):
    training.make_cluster(*arguments)


def test_logical_cpus_are_for_one_process(monkeypatch):
  monkeypatch.setenv('TF_CONFIG', json.dumps(
      {'cluster': {'chief': ['a:1'], 'worker': ['b:1']}, 'task': {'type': 'worker', 'index': 0}}))
  with pytest.raises(errors.UserError, match='use it with --strategy=mirrored'):
    training.make_cluster('auto', 2)


def test_batches_are_dealt_out_in_order(source):
  cluster = tiny.two_devices()
  make = lambda index=0, count=1: data.train_batches(
      source, batch_size=6, seed=1, shard_index=index, num_shards=count)
  dealt = iter(cluster.distribute(make))
  for whole in make().take(3).as_numpy_iterator():
    parts = cluster.strategy.experimental_local_results(next(dealt)['image'])
    np.testing.assert_array_equal(np.concatenate([p.numpy() for p in parts]), whole['image'])


def test_per_replica_batch():
  assert tiny.two_devices().per_replica_batch(6) == 3
  with pytest.raises(errors.UserError, match='batch_size=7 does not divide by the 2 replicas'):
    tiny.two_devices().per_replica_batch(7)


def test_alone_it_decides_for_itself():
  cluster = tiny.two_devices()
  assert list(cluster.sum_over_workers([1., 2.])) == [1., 2.] and cluster.chief_value(5) == 5
  assert cluster.lost_worker(tf.errors.UnavailableError(None, None, 'gone')) is None


def test_a_lost_worker_is_one_line():
  cluster = training.Cluster(tf.distribute.get_strategy(), worker_index=1, num_workers=2)
  lost = cluster.lost_worker(tf.errors.UnavailableError(
      None, None,
      'Graph execution error:\n\nDetected at node x\n\n  File "y"\n\nreset by peer\n\t'))
  assert isinstance(lost, errors.WorkerLost) and lost.exit_code == 4
  assert 'worker 1 of 2 stops' in str(lost) and 'UnavailableError: reset by peer)' in str(lost)
  assert cluster.lost_worker(tf.errors.InvalidArgumentError(None, None, 'a bug')) is None
