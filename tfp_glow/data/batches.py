"""Batches for training and evaluation, each a function of a seed and a number alone.

Nothing here has a state that a checkpoint would need: batch number s of a training stream is
computed from (seed, s), so that a run continues exactly from its step, on any number of shards.
"""

import tensorflow as tf

from tfp_glow import errors
from tfp_glow.data import images
from tfp_glow.data import untuned

# Names of the independent random streams drawn from one seed.
_ORDER, _AUGMENT, _CROP = 1, 2, 3


def _fold(seed, stream, number):
  """A seed pair, int64 [2], for element `number` of a random stream."""
  pair = tf.constant([seed, stream], tf.int64)
  return tf.random.experimental.stateless_fold_in(pair, number, alg='philox')


def _rows(batch_size, shard_index, num_shards):
  """The rows of the global batch that a shard has, as a slice."""
  if batch_size < 1 or batch_size % num_shards:
    raise errors.UserError(f'batch_size={batch_size} must be positive and divisible by the number '
                           f'of shards (replicas or workers), {num_shards}')
  if not 0 <= shard_index < num_shards:
    raise errors.UserError(f'shard_index={shard_index} must be in [0, {num_shards})')
  size = batch_size // num_shards
  return slice(shard_index * size, (shard_index + 1) * size)


def _shuffled_indices(positions, num_examples, seed):
  """Which example stands at a position of the endless stream: a permutation each epoch."""
  epochs = positions // num_examples
  count = tf.shape(positions)[0]
  seeds = tf.stack([tf.fill([count], tf.constant(seed, tf.int64)), epochs,
                    tf.fill([count], tf.constant(_ORDER, tf.int64))], axis=1)
  # The raw op, since tf.random.experimental.index_shuffle takes one seed for all indices only.
  return tf.raw_ops.RandomIndexShuffle(
      index=positions % num_examples, seed=seeds,
      max_index=tf.constant(num_examples - 1, tf.int64))


def _train_from_memory(source, batch_size, seed, start_step, rows):
  """(step, batch) of a split in memory: any batch can be looked up directly."""
  pixels, labels = source.arrays('train')
  num = source.num_examples('train')

  def batch(step):
    positions = step * batch_size + tf.range(rows.start, rows.stop, dtype=tf.int64)
    index = _shuffled_indices(positions, num, seed)
    return step, {'image': tf.gather(pixels, index), 'label': tf.gather(labels, index)}

  return tf.data.Dataset.counter(start_step).map(batch, num_parallel_calls=1)


def _train_from_records(source, batch_size, seed, start_step, rows):
  """(step, batch) of a split on disk, shuffled in a buffer of undecoded records."""
  records = source.records('train')
  num = source.num_examples('train')
  first_epoch, skipped = divmod(start_step * batch_size, num)

  def epoch(number):
    # Sets the seed of this function's graph only. Without it `tf.random.set_seed`, called
    # anywhere before, would change the order.
    tf.random.set_seed(1)
    order_seed = tf.random.stateless_uniform([], _fold(seed, _ORDER, number), dtype=tf.int64,
                                             minval=None, maxval=None, alg='philox')
    return records.shuffle(min(source.shuffle_buffer, num), seed=order_seed)

  def own_rows(step, batch):
    positions = step * batch_size + tf.range(batch_size, dtype=tf.int64)
    own = tf.data.Dataset.from_tensor_slices((
        positions[rows], {key: value[rows] for key, value in batch.items()}))
    return own

  def decode(position, record):
    uniform = tf.random.stateless_uniform([2], _fold(seed, _CROP, position), alg='philox')
    return position // batch_size, {'image': source.decode(record['image'], uniform),
                                    'label': record['label']}

  stream = tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(epoch).skip(skipped)
  stream = stream.batch(batch_size, drop_remainder=True).enumerate(start_step)
  stream = stream.flat_map(own_rows).map(decode, num_parallel_calls=tf.data.AUTOTUNE)
  stream = stream.batch(rows.stop - rows.start, drop_remainder=True)
  return stream.map(lambda steps, batch: (steps[0], batch), num_parallel_calls=1)


@tf.autograph.experimental.do_not_convert
def train_batches(source, *, batch_size, seed, start_step=0, augment=True, shard_index=0,
                  num_shards=1):
  """The endless stream of training batches, from any step on.

  The examples are shuffled anew each epoch; an epoch's last batch is filled up from the next.
  The order in an epoch is a function of (seed, epoch), shift, flip and crop of
  (seed, step, row): batch s is the same whatever `start_step` and whatever the sharding.
  A split that does not fit into memory is re-read up to `start_step` within its epoch, as
  undecoded records.

  Args:
    source: ImageSource.
    batch_size: int, of all shards together.
    seed: int (64 bits). Another seed gives another order.
    start_step: int, number of the first batch.
    augment: bool, whether to shift and flip as the source's config says.
    shard_index, num_shards: ints; shard i of n holds rows [i B / n, (i + 1) B / n) of each batch.

  Returns:
    tf.data.Dataset of {'image': uint8 [B / n, H, W, C], 'label': int32 [B / n]}, infinite.

  Raises:
    UserError: if the batch cannot be divided by the number of shards.
  """
  rows = _rows(batch_size, shard_index, num_shards)
  read = _train_from_memory if source.fits_memory('train') else _train_from_records
  numbered = read(source, batch_size, seed, start_step, rows)
  augment = augment and (source.shift or source.flip)

  def finish(step, batch):
    if augment:
      # Drawn for the global batch, so that a row's shift does not depend on the sharding.
      uniform = tf.random.stateless_uniform([batch_size, 3], _fold(seed, _AUGMENT, step),
                                            alg='philox')
      batch['image'] = images.augment(batch['image'], uniform[rows], source.shift, source.flip)
    return batch

  return untuned.untuned(numbered.map(finish, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE))


@tf.autograph.experimental.do_not_convert
def eval_batches(source, *, split='test', batch_size, shard_index=0, num_shards=1):
  """All examples of a split once, in a fixed order, in batches of one size.

  The last batch is filled up with copies of an example, which the mask tells apart.

  Args:
    source: ImageSource.
    split: 'test', 'train' or 'validation'.
    batch_size: int, of all shards together.
    shard_index, num_shards: ints; shard i of n holds rows [i B / n, (i + 1) B / n) of each batch.

  Returns:
    tf.data.Dataset of ceil(num_examples / B) elements {'image': uint8 [B / n, H, W, C],
    'label': int32 [B / n], 'index': int64 [B / n], the example's number in the split whatever
    B and n, 'mask': float32 [B / n], 1 for an example and 0 for padding}.

  Raises:
    UserError: if the batch cannot be divided by the number of shards, or there is no such split.
  """
  rows = _rows(batch_size, shard_index, num_shards)
  size = rows.stop - rows.start
  in_memory = source.fits_memory(split)
  if in_memory:
    pixels, labels = source.arrays(split)
    batches = tf.data.Dataset.range(source.num_examples(split)).batch(batch_size)
    batches = batches.map(lambda index: {'index': index, 'label': tf.gather(labels, index)})
  else:
    numbered = source.records(split).enumerate()
    batches = numbered.map(lambda index, record: {**record, 'index': index}).batch(batch_size)

  def pad(batch):
    present = tf.shape(batch['label'])[0]
    wanted = tf.range(rows.start, rows.stop)
    own = {key: tf.gather(value, tf.minimum(wanted, present - 1)) for key, value in batch.items()}
    own['mask'] = tf.cast(wanted < present, tf.float32)
    return own

  def look_up(batch):
    return {**batch, 'image': tf.gather(pixels, batch['index'])}

  def decode(record):
    return {**record, 'image': source.decode(record['image'])}

  batches = batches.map(pad)
  if in_memory:
    batches = batches.map(look_up)
  else:
    batches = batches.unbatch().map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    batches = batches.batch(size, drop_remainder=True)
  return untuned.untuned(batches.prefetch(tf.data.AUTOTUNE))
