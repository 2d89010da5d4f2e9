"""One training step on all replicas."""

import tensorflow as tf

from tfp_glow.distributions import noise as noise_lib
from tfp_glow.training import average as average_lib
from tfp_glow.training import optimizer as optimizer_lib
from tfp_glow.training import schedule

__all__ = ['make_train_step']


def make_train_step(cluster, state, config):
  """The train step as one `tf.function`.

  The loss is the mean bits/dim of the global batch; with a classifier, plus
  `model.class_weight` times its mean cross entropy in bits. Gradients are averaged over
  the replicas first and clipped by their global norm after. A step whose loss
  or gradient is not finite leaves weights, slots and average as they are and is
  counted; this is decided inside the graph, so nothing has to be read back.

  Args:
    cluster: a `Cluster`.
    state: a `TrainState`.
    config: `optimizer`, `num_steps`, `jit_compile`, `model.class_weight`.

  Returns:
    Function `(images, stop, conditions=None) -> stop`. `images` and `conditions`, a dict by the
    names of the model's, are a batch that `Cluster.distribute` dealt out. `stop` is a
    float32 scalar; the result is positive if any worker gave a positive one.
  """
  model, progress, strategy = state.model, state.progress, cluster.strategy
  weights = model.trainable_variables
  num_replicas = cluster.num_replicas
  learning_rate = schedule.make_schedule(config.optimizer, config.num_steps)

  # XLA takes forward and backward only: the whole step with its collectives
  # does not compile under a strategy of several replicas. AutoGraph, which has
  # nothing to convert here, would take as long as the tracing itself.
  @tf.function(jit_compile=config.jit_compile or None, autograph=False)
  def bits_and_gradients(images, noise, conditions):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch(weights)
      if model.classifier is None:
        loss = bits = tf.reduce_mean(
            model.bits_per_dim(images, noise, **conditions)) / num_replicas
      else:
        bits, class_bits = [tf.reduce_mean(values) / num_replicas for values in
                            model.bits_per_dim_and_class_bits(images, noise, **conditions)]
        loss = bits + config.model.class_weight * class_bits
    return bits, tape.gradient(
        loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)

  def replica_step(images, stop, conditions):
    noise = noise_lib.replica_noise(progress.data_seed, progress.step, images, num_replicas)
    bits, gradients = bits_and_gradients(images, noise, conditions)
    if num_replicas > 1:
      # `identity` puts the argument on the replica's device, where a reduction wants it.
      bits, stop, *gradients = tf.distribute.get_replica_context().all_reduce(
          tf.distribute.ReduceOp.SUM, [bits, tf.identity(stop), *gradients])
    gradients, norm = optimizer_lib.clip(gradients, config.optimizer.clip_norm)
    return bits, norm, stop, gradients

  def update(gradients):
    state.optimizer.apply(
        strategy, gradients, learning_rate(progress.step) * progress.learning_rate_scale)
    average_lib.update_average(
        strategy, config.optimizer.ema_decay, state.optimizer.iterations,
        weights, state.average.trainable_variables)

  def good_step(bits, norm, gradients):
    update(gradients)
    progress.bad_run.assign(0)
    progress.note_bpd(bits)
    progress.window_grad_norm.assign(tf.maximum(progress.window_grad_norm, norm))

  def bad_step():
    progress.bad_run.assign_add(1)
    progress.last_bad_step.assign(progress.step)
    progress.window_bad.assign_add(1)

  @tf.function(autograph=False)
  def train_step(images, stop, conditions=None):
    bits, norm, stop, gradients = strategy.run(replica_step, args=(images, stop, conditions or {}))
    bits, norm, stop = cluster.first(bits), cluster.first(norm), cluster.first(stop)
    # A loss that is not finite in its other part has a gradient that is not.
    tf.cond(tf.math.is_finite(bits) & tf.math.is_finite(norm),
            lambda: good_step(bits, norm, gradients), bad_step)
    progress.step.assign_add(1)
    return stop

  return train_step
