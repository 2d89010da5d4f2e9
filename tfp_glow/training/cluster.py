"""Where training runs: the tf.distribute strategy and this process's place in it."""

import json
import os
import sys

import numpy as np
import tensorflow as tf

from tfp_glow import errors
from tfp_glow.runs import files

__all__ = ['Cluster', 'STRATEGIES', 'make_cluster']

STRATEGIES = ('auto', 'default', 'mirrored', 'multi_worker')

# How long a collective waits for the slowest worker, the first one's tracing and
# the chief's evaluation included, before the job counts as dead.
_COLLECTIVE_TIMEOUT_S = 1800.

_MAX_LOGICAL_CPUS = 64  # Each has a thread of its own and a copy of the weights.

# What TensorFlow raises in the living workers when another one is gone.
_LOST_WORKER_ERRORS = (
    tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError, tf.errors.InternalError, tf.errors.UnavailableError)


class Cluster:
  """A tf.distribute strategy and this process's place in it.

  Args:
    strategy: a `tf.distribute.Strategy`.
    worker_index: int, which of the processes this is.
    num_workers: int, the number of processes.
  """

  def __init__(self, strategy, worker_index=0, num_workers=1):
    self.strategy = strategy
    self.worker_index = worker_index
    self.num_workers = num_workers

  @property
  def num_replicas(self):
    """Replicas of the model over all workers."""
    return self.strategy.num_replicas_in_sync

  @property
  def replicas_per_worker(self):
    return self.num_replicas // self.num_workers

  @property
  def devices(self):
    """What this process computes on, in words."""
    num_gpus = len(tf.config.list_logical_devices('GPU'))
    own = f'{num_gpus} GPU{"s" if num_gpus > 1 else ""}' if num_gpus else (
        f'the CPU ({os.cpu_count()} cores)')
    return own + (f' as {self.num_replicas} replicas' if self.num_replicas > 1 else '')

  @property
  def is_chief(self):
    """Whether this process writes the files of the run."""
    return self.worker_index == 0

  def first(self, value):
    """This process's first replica's part of a value that `strategy.run` returned."""
    return self.strategy.experimental_local_results(value)[0]

  def per_replica_batch(self, global_batch, name='batch_size'):
    """Images of a batch that one replica gets.

    Raises:
      UserError: if the global batch does not divide evenly.
    """
    if global_batch % self.num_replicas:
      raise errors.UserError(
          f'{name}={global_batch} does not divide by the {self.num_replicas} replicas of this '
          f'run; choose a multiple of {self.num_replicas}.')
    return global_batch // self.num_replicas

  def distribute(self, make_dataset):
    """Iterable of batches dealt out to the replicas, in their order.

    Args:
      make_dataset: callable `(shard_index, num_shards) -> tf.data.Dataset` of
        dicts of batches, whose batch size divides by the replicas of a worker.
    """
    split = self.replicas_per_worker

    def deal(batch):
      return {key: tf.reshape(value, [split, value.shape[0] // split, *value.shape[1:]])
              for key, value in batch.items()}

    def local_dataset(context):
      del context  # The same numbers, under the name that the cluster file has for them.
      dataset = make_dataset(self.worker_index, self.num_workers)
      if split > 1:
        dataset = dataset.map(deal).unbatch()
      return dataset.prefetch(2 * split)

    return self.strategy.distribute_datasets_from_function(local_dataset)

  def sum_over_workers(self, values):
    """Sum of one float64 vector per process, the same on all of them.

    Args:
      values: float array `[n]`.

    Returns:
      float64 array `[n]`.
    """
    values = np.asarray(values, np.float64)
    if self.num_workers == 1:
      return values
    return self.first(self._total(tf.constant(values))).numpy()

  @tf.function(autograph=False)
  def _total(self, values):
    def replica(values):
      context = tf.distribute.get_replica_context()
      is_first = tf.equal(context.replica_id_in_sync_group % self.replicas_per_worker, 0)
      return context.all_reduce(
          tf.distribute.ReduceOp.SUM, tf.where(is_first, values, tf.zeros_like(values)))
    return self.strategy.run(replica, args=(values,))

  def chief_value(self, number):
    """The chief's value of an integer, on every process."""
    if self.num_workers == 1:
      return int(number)
    return int(self.sum_over_workers([number if self.is_chief else 0.])[0])

  def lost_worker(self, error):
    """The `WorkerLost` that an exception means in a multi-worker run, else None."""
    if self.num_workers == 1 or not isinstance(error, _LOST_WORKER_ERRORS):
      return None
    return errors.WorkerLost(
        f'worker {self.worker_index} of {self.num_workers} stops because another worker is gone '
        f'or unreachable ({type(error).__name__}: {files.reason(error)}); look at the other '
        f"workers' output, then start all workers again: they resume from the last checkpoint.")


def make_cluster(name='auto', logical_cpus=0):
  """Makes the strategy that `--strategy` names. Must come before any other use of TensorFlow.

  Args:
    name: one of `STRATEGIES`. "auto" is multi_worker when TF_CONFIG names a
      cluster, mirrored when several GPUs (or `logical_cpus`) are there, else default.
    logical_cpus: int; with 2 or more the CPU appears as that many devices.

  Returns:
    A `Cluster`.

  Raises:
    UserError: for an unknown name, an unusable TF_CONFIG, or a cluster that
      cannot be joined.
  """
  if name not in STRATEGIES:
    raise errors.UserError(f'--strategy={name} is unknown; choose one of {", ".join(STRATEGIES)}.')
  if not 0 <= logical_cpus <= _MAX_LOGICAL_CPUS:
    raise errors.UserError(
        f'--logical_cpus={logical_cpus} must be a number from 0 to {_MAX_LOGICAL_CPUS}.')
  workers = _workers(os.environ.get('TF_CONFIG', ''))
  if name == 'auto':
    several = logical_cpus > 1 or len(tf.config.list_physical_devices('GPU')) > 1
    name = 'multi_worker' if workers else 'mirrored' if several else 'default'
  if name == 'multi_worker':
    return _multi_worker(workers, logical_cpus)
  if logical_cpus > 1:
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices('CPU')[0],
        [tf.config.LogicalDeviceConfiguration()] * logical_cpus)
  if name == 'mirrored':
    devices = [f'CPU:{i}' for i in range(logical_cpus)] if logical_cpus > 1 else None
    return Cluster(tf.distribute.MirroredStrategy(devices))
  return Cluster(tf.distribute.get_strategy())


def _workers(tf_config):
  """`(index, count)` of this process among the training processes in TF_CONFIG, or None."""
  if not tf_config.strip():
    return None
  try:
    tf_config = json.loads(tf_config)
    cluster = tf_config.get('cluster', {})
    tasks = [('chief', i) for i in range(len(cluster.get('chief', [])))]
    tasks += [('worker', i) for i in range(len(cluster.get('worker', [])))]
    if not tasks:
      return None
    task = tf_config['task']['type'], int(tf_config['task']['index'])
    return tasks.index(task), len(tasks)
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    raise errors.UserError(
        'TF_CONFIG must be JSON such as {"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
        f'"task": {{"type": "worker", "index": 0}}}} ({type(error).__name__}: {error}).'
    ) from error


def _multi_worker(workers, logical_cpus):
  if workers is None:
    raise errors.UserError(
        '--strategy=multi_worker needs TF_CONFIG with the addresses of all workers, such as '
        '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
        '"task": {"type": "worker", "index": 0}}.')
  if logical_cpus > 1:
    raise errors.UserError('--logical_cpus splits the CPU of one process; '
                           'use it with --strategy=mirrored and without TF_CONFIG.')
  print(f'Worker {workers[0]} of {workers[1]} joins the others.', file=sys.stderr, flush=True)
  options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_COLLECTIVE_TIMEOUT_S)
  try:
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
  except (tf.errors.OpError, RuntimeError, ValueError) as error:
    raise errors.WorkerLost(
        f'cannot join the cluster of TF_CONFIG as worker {workers[0]} of {workers[1]} '
        f'({type(error).__name__}: {files.reason(error)}).') from error
  return Cluster(strategy, *workers)
