"""Convolution as coupling networks need it: from few channels to many and back."""

import tensorflow as tf

from tfp_glow.layers import static_shape

__all__ = ['convolve', 'multiply_channels']

# Of float32 in a vector register of AVX2, half of one of AVX-512.
_LANES = 8


def convolve(x, kernel, bias=None, activation=None):
  """Convolution with stride 1 that keeps height and width, as `tf.nn.conv2d` with SAME.

      y[p] = activation(sum_t x[p + t] kernel[t] + bias),   t over the kernel's taps

  TensorFlow's CPU kernels suit images of many channels. Where y has few, the last
  layer of a coupling network, they reach a fraction of the machine's rate, in the
  backward pass above all. On a CPU that layer is therefore put together otherwise,
  and a 1x1 convolution is a matrix product.

  Args:
    x: float Tensor `[N, H, W, C]`, C known.
    kernel: Tensor or Variable `[R, S, C, C_out]`, R and S odd; cast to x's dtype.
    bias: None, or Tensor or Variable `[C_out]`, likewise.
    activation: None, or an elementwise function.

  Returns:
    Tensor `[N, H, W, C_out]`.
  """
  kernel = tf.cast(kernel, x.dtype)
  rows, columns, given, made = kernel.shape
  taps = rows * columns

  if not _runs_on_cpu():
    y = _convolve(x, kernel)
  elif taps == 1:
    return multiply_channels(x, kernel[0, 0], bias, activation)
  elif 4 * taps * made <= given:
    # All taps' results together have far fewer channels than x.
    matrix = tf.reshape(tf.transpose(kernel, [0, 1, 3, 2]), [taps * made, given])
    y = _overlap_add(multiply_channels(x, matrix, transpose_matrix=True), rows, columns)
  elif made < given:
    y = _convolve_to_fewer(x, kernel)
  else:
    y = _convolve(x, kernel)
  return _finish(y, bias, activation)


def multiply_channels(x, matrix, bias=None, activation=None, transpose_matrix=False):
  """`activation(v @ matrix + bias)` for the channel vector v of each pixel of x.

  Args:
    x: float Tensor `[N, H, W, C]`.
    matrix: Tensor `[C, C_out]`, or `[C_out, C]` with `transpose_matrix`, of x's dtype.
    bias: None, or Tensor or Variable `[C_out]`; cast to x's dtype.
    activation: None, or an elementwise function.
    transpose_matrix: bool.

  Returns:
    Tensor `[N, H, W, C_out]`.
  """
  given, made = matrix.shape[::-1] if transpose_matrix else matrix.shape
  y = tf.matmul(tf.reshape(x, [-1, given]), matrix, transpose_b=transpose_matrix)
  # TensorFlow fuses product, bias and ReLU only where no reshape stands between.
  y = tf.reshape(_finish(y, bias, activation), static_shape.with_last(x, made))
  return tf.ensure_shape(y, [*x.shape[:-1], made])


def _finish(y, bias, activation):
  y = y if bias is None else tf.nn.bias_add(y, tf.cast(bias, y.dtype))
  return y if activation is None else activation(y)


def _runs_on_cpu():
  return all(d.device_type == 'CPU' for d in tf.config.list_physical_devices())


def _convolve(x, kernel):
  return tf.nn.conv2d(x, kernel, strides=1, padding='SAME')


@tf.custom_gradient
def _convolve_to_fewer(x, kernel):
  """`_convolve` with the gradients

      dx = conv(dy, flipped kernel),   dkernel[t] = sum_p x[p] dy[p - t]
  """
  rows, columns, given, made = kernel.shape
  # The kernels are as fast as their vector registers are full.
  padded = tf.pad(kernel, [[0, 0]] * 3 + [[0, -made % _LANES]])

  def gradient(dy):
    patches = tf.reshape(_patches(dy, rows, columns), [-1, rows * columns * made])
    # In this order the product's rows fill the registers, too.
    dkernel = tf.matmul(patches, tf.reshape(x, [-1, given]), transpose_a=True)
    dkernel = _flip(tf.reshape(dkernel, [rows, columns, made, given]))
    return _convolve(dy, _flip(kernel)), dkernel

  return _convolve(x, padded)[..., :made], gradient


def _flip(kernel):
  """The taps in reverse, the matrix of each transposed."""
  return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])


def _patches(y, rows, columns):
  """For each pixel y[p + t] for all taps t, `[N, H, W, R * S * C]`."""
  padded = tf.pad(y, [[0, 0], [rows // 2] * 2, [columns // 2] * 2, [0, 0]])
  # The gradient of tf.slice is a padding, that of y[...] far slower.
  shape = tf.shape(y)
  return tf.concat([
      tf.slice(padded, [0, i, j, 0], shape)
      for i in range(rows) for j in range(columns)], -1)


def _overlap_add(y, rows, columns):
  """For each pixel the sum over the taps t of y_t[p + t], y's channels being (t, C)."""
  parts = tf.split(y, rows * columns, -1)
  padded = [
      tf.pad(part, [[0, 0], [rows - 1 - k // columns, k // columns],
                    [columns - 1 - k % columns, k % columns], [0, 0]])
      for k, part in enumerate(parts)]
  return tf.slice(tf.add_n(padded), [0, rows // 2, columns // 2, 0], tf.shape(parts[0]))
