"""Datasets that tf.data does not tune while they are read."""

import tensorflow as tf

__all__ = ['untuned']


def untuned(dataset):
  """A dataset with as many threads for each `AUTOTUNE` as the machine has, from the start.

  Tuning has a thread that sleeps for up to a minute between two looks, and can miss the call to
  end: its iterator's deletion, and with it the end of a program, would wait for that long. Options
  hold for all datasets that are made of this one, too.
  """
  options = tf.data.Options()
  options.autotune.enabled = False
  return dataset.with_options(options)
