"""Sizes are ints where tracing knows them, and right where only a run does."""

import pytest
import tensorflow as tf

from tfp_glow.layers import static_shape

_SHAPE = [2, 4, 6, 8]


@pytest.mark.parametrize('known, ints', [
    (_SHAPE, 4), ([None, 4, 6, 8], 3), ([None, None, 6, None], 1), ([None] * 4, 0)])
def test_sizes(known, ints):
  found = []

  @tf.function(input_signature=[tf.TensorSpec(known)])
  def sizes(x):
    found.extend(static_shape.sizes(x))
    return tf.stack(static_shape.sizes(x))

  assert sizes(tf.zeros(_SHAPE)).numpy().tolist() == _SHAPE
  assert sum(isinstance(size, int) for size in found) == ints


@pytest.mark.parametrize('known, is_list', [
    (_SHAPE, True), ([None, 4, 6, 8], True), ([None, None, 6, 8], False), (None, False)])
@pytest.mark.parametrize('last', [(2, 4), (8,)])
def test_with_last(known, is_list, last):
  found = []

  @tf.function(input_signature=[tf.TensorSpec(known)])
  def reshaped(x):
    found.append(static_shape.with_last(x, *last))
    return tf.reshape(x, found[0])

  assert reshaped(tf.zeros(_SHAPE)).shape == (2, 4, 6, *last)
  assert isinstance(found[0], list) == is_list


def test_images_of_no_batch():
  assert tf.reshape(tf.zeros([0, 4, 6, 8]), static_shape.with_last(tf.zeros([0, 4, 6, 8]), 2, 4)
                    ).shape == (0, 4, 6, 2, 4)
