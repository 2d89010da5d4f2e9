"""convolve:

    y[p] = activation(sum_t x[p + t] kernel[t] + bias),   t over the kernel's taps
"""

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow.layers import convolution

# Kernel size, channels in and out: to far fewer, to fewer, one pixel, to more, and again.
_SHAPES = [(3, 3, 72, 2), (3, 3, 8, 6), (1, 1, 5, 7), (3, 3, 4, 6), (5, 1, 41, 2), (1, 3, 5, 3),
           (3, 3, 20, 16)]
# Whether the forward pass is a product, or else a convolution.
_PRODUCTS = [True, False, True, False, True, False, False]


def _draw(shape, seed, dtype=tf.float64):
  return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def _arguments(kernel_shape, dtype=tf.float64):
  return (_draw([2, 5, 6, kernel_shape[2]], 0, dtype), _draw(kernel_shape, 1, dtype),
          _draw(kernel_shape[3:], 2, dtype))


def _reference(x, kernel, bias, activation):
  return activation(tf.nn.conv2d(x, kernel, 1, 'SAME') + bias)


def _value_and_gradients(function, arguments):
  with tf.GradientTape() as tape:
    tape.watch(arguments)
    y = function(*arguments)
    total = tf.reduce_sum(y * _draw(y.shape, 3, y.dtype))
  return [y, *tape.gradient(total, arguments)]


@pytest.mark.parametrize('activation', [tf.identity, tf.nn.relu])
@pytest.mark.parametrize('kernel_shape', _SHAPES, ids=str)
def test_is_the_convolution_with_its_gradients(kernel_shape, activation):
  arguments = _arguments(kernel_shape)
  actual = _value_and_gradients(
      lambda *a: convolution.convolve(*a, activation=activation), arguments)
  expected = _value_and_gradients(lambda *a: _reference(*a, activation), arguments)
  for a, e in zip(actual, expected):
    np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize('kernel_shape', _SHAPES, ids=str)
def test_without_products_is_the_same(kernel_shape, monkeypatch):
  arguments = _arguments(kernel_shape)
  products = convolution.convolve(*arguments)
  monkeypatch.setattr(convolution, '_runs_on_cpu', lambda: False)
  np.testing.assert_allclose(convolution.convolve(*arguments), products, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize('kernel_shape,products', zip(_SHAPES, _PRODUCTS), ids=str)
def test_multiplies_where_it_should(kernel_shape, products):
  x, kernel, bias = _arguments(kernel_shape)

  @tf.function
  def convolve(x):
    return convolution.convolve(x, kernel, bias)

  graph = convolve.get_concrete_function(tf.TensorSpec(x.shape, x.dtype)).graph
  types = {op.type for op in graph.get_operations()}
  assert ('MatMul' in types, 'Conv2D' in types) == (products, not products)


@pytest.mark.parametrize('kernel_shape', _SHAPES, ids=str)
def test_sizes_known_late_and_single_pixels(kernel_shape):
  _, kernel, bias = _arguments(kernel_shape)

  @tf.function(input_signature=[tf.TensorSpec([None, None, None, kernel_shape[2]], tf.float64)])
  def convolve(x):
    y = convolution.convolve(x, kernel, bias)
    assert y.shape.as_list() == [None, None, None, kernel_shape[3]]
    return y

  for size in ([2, 5, 6], [1, 1, 1], [3, 2, 1], [0, 4, 4]):
    x = _draw([*size, kernel_shape[2]], 0)
    np.testing.assert_allclose(
        convolve(x), _reference(x, kernel, bias, tf.identity), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize('dtype,tolerance', [(tf.float32, 1e-5), (tf.bfloat16, .05)])
@pytest.mark.parametrize('kernel_shape', _SHAPES[:2], ids=str)
def test_computes_in_the_dtype_of_x(kernel_shape, dtype, tolerance):
  x, kernel, bias = _arguments(kernel_shape, tf.float32)
  y = convolution.convolve(tf.cast(x, dtype), kernel, bias)
  assert y.dtype == dtype
  expected = _reference(x, kernel, bias, tf.identity)
  assert np.max(np.abs(tf.cast(y, tf.float32) - expected)) < tolerance * np.max(np.abs(expected))


@pytest.mark.parametrize('kernel_shape', _SHAPES[:3], ids=str)
def test_compiles(kernel_shape):
  arguments = _arguments(kernel_shape)
  compiled = tf.function(
      lambda *a: _value_and_gradients(convolution.convolve, a), jit_compile=True)
  for a, e in zip(compiled(*arguments), _value_and_gradients(convolution.convolve, arguments)):
    np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-11)


def test_the_backward_pass_to_fewer_channels_multiplies():
  x, kernel, _ = _arguments((3, 3, 8, 6))

  @tf.function
  def gradients(x, kernel):
    return tf.gradients(convolution.convolve(x, kernel), [x, kernel])

  types = [op.type for op in gradients.get_concrete_function(x, kernel).graph.get_operations()]
  assert 'MatMul' in types
  assert not {'Conv2DBackpropFilter', 'Conv2DBackpropInput'} & set(types)


@pytest.mark.parametrize('given, made, in_registers', [(8, 6, 8), (20, 16, 16), (20, 17, 24)])
def test_channels_fill_vector_registers(given, made, in_registers):
  x, kernel, _ = _arguments((3, 3, given, made))
  graph = tf.function(convolution.convolve).get_concrete_function(x, kernel).graph
  convolutions = [op for op in graph.get_operations() if op.type == 'Conv2D']
  assert [op.outputs[0].shape[-1] for op in convolutions] == [in_registers]


@pytest.mark.parametrize('kernel_shape', _SHAPES[:2], ids=str)
def test_has_second_order_gradients(kernel_shape):
  x, kernel, _ = _arguments(kernel_shape)
  with tf.GradientTape() as outer:
    outer.watch(kernel)
    with tf.GradientTape() as inner:
      inner.watch(x)
      total = tf.reduce_sum(convolution.convolve(x, kernel)**2) / 2.
    gradient = inner.gradient(total, x)
    square = tf.reduce_sum(gradient**2) / 2.
  derivative = outer.gradient(square, kernel)
  step = _draw(kernel.shape, 5) * 1e-6

  def at(kernel):
    with tf.GradientTape() as tape:
      tape.watch(x)
      total = tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, 'SAME')**2) / 2.
    return tf.reduce_sum(tape.gradient(total, x)**2) / 2.

  np.testing.assert_allclose(
      tf.reduce_sum(derivative * step), (at(kernel + step) - at(kernel - step)) / 2., rtol=1e-6)
