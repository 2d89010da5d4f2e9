"""K steps as one traced loop over stacked weights, with or without stored activations."""

import tensorflow as tf

from tfp_glow.layers import static_shape
from tfp_glow.private import tensorflow as private_tf

__all__ = ['run', 'run_reversible', 'update']


def run(step, stacks, x, reverse=False):
  """Applies `step` K times, each time with the next slice of the stacked weights.

  Args:
    step: callable `(x, weights) -> (y, log_det)`; weights is a list of slices,
      y has the shape of x `[N, H, W, C]`, log_det is `[N]`.
    stacks: list of Tensors or Variables `[K, ...]`.
    x: float Tensor `[N, H, W, C]`.
    reverse: bool, whether the slices come last to first.

  Returns:
    The last y and the sum of the log-dets.
  """
  depth = stacks[0].shape[0]
  packed, unpacked = _pack(stacks)
  # Without a tape, slices are better: they share the memory of the stack.
  read = _reader(packed) if private_tf.could_possibly_record() else _slicer(packed)

  def body(i, x, log_det):
    k = depth - 1 - i if reverse else i
    y, log_det_k = step(x, unpacked(read(k)))
    return i + 1, tf.ensure_shape(y, x.shape), log_det + log_det_k

  _, y, log_det = tf.while_loop(
      lambda i, *_: i < depth, body,
      (tf.constant(0), x, tf.zeros(static_shape.sizes(x)[:1], x.dtype)), maximum_iterations=depth)
  return y, log_det


def update(step, stacks, x, unroll=False):
  """Like `run`, for steps that give new weights instead of log-dets.

  Args:
    step: callable `(x, weights) -> (y, new_weights)`; both are lists of slices of
      the same shapes, and y has the shape of x.
    stacks: list of Tensors or Variables `[K, ...]`.
    x: float Tensor.
    unroll: bool, whether each of the K steps is traced by itself.

  Returns:
    The last y and the list of the new weights, stacked.
  """
  depth = stacks[0].shape[0]
  arrays = _unstack(stacks)
  updated = [tf.TensorArray(stack.dtype, depth, element_shape=stack.shape[1:])
             for stack in stacks]

  def body(k, x, updated):
    y, weights = step(x, [array.read(k) for array in arrays])
    return (k + 1, tf.ensure_shape(y, x.shape),
            [array.write(k, weight) for array, weight in zip(updated, weights)])

  if unroll:
    for k in range(depth):
      _, x, updated = body(k, x, updated)
  else:
    _, x, updated = tf.while_loop(
        lambda k, *_: k < depth, body, (tf.constant(0), x, updated), maximum_iterations=depth)
  return x, [array.stack() for array in updated]


def run_reversible(step, undo, stacks, undo_stacks, x, context, reverse=False):
  """Like `run`, with a backward pass that recomputes each step's input from its output.

  Activations are kept for one step at a time (Gomez et al. 2017, section 3), so
  memory does not grow with K. A step's network sees the same half of the image
  when it is undone and when it is differentiated, so the backward pass runs it
  once for both.

  Args:
    step: callable `(x, weights, context, wrap) -> (y, log_det)`, which calls its
      network as `wrap(network)`.
    undo: callable `(y, weights, undo_weights, context, wrap) -> x`, likewise.
    stacks: list of Tensors or Variables `[K, ...]`, to be differentiated.
    undo_stacks: list of Tensors `[K, ...]` that only `undo` needs.
    x: float Tensor `[N, H, W, C]`.
    context: list of Tensors that every step gets, differentiated if float.
    reverse: bool, whether the slices come last to first.

  Returns:
    The last y and the sum of the log-dets. A gradient of their gradient raises
    a `NotImplementedError`: it would be wrong.
  """
  depth = stacks[0].shape[0]
  num_stacks, num_undo = len(stacks), len(undo_stacks)

  @tf.custom_gradient
  def differentiable(x, *tensors):
    stacks = tensors[:num_stacks]
    undo_stacks = tensors[num_stacks:num_stacks + num_undo]
    context = tensors[num_stacks + num_undo:]
    y, log_det = run(
        lambda x, weights: step(x, weights, context, lambda network: network),
        stacks, x, reverse)

    def gradient(dy, dlog_det):
      return _first_order_only(_backward, y, dy, dlog_det, stacks, undo_stacks, context)

    return (y, log_det), gradient

  def _backward(y, dy, dlog_det, stacks, undo_stacks, context):
    arrays, undo_arrays = _unstack(stacks), _unstack(undo_stacks)
    gradients = [
        tf.TensorArray(stack.dtype, depth, element_shape=stack.shape[1:]) for stack in stacks]
    is_float = [t.dtype.is_floating for t in context]
    sums = [tf.zeros_like(t) for t, floating in zip(context, is_float) if floating]

    def body(i, y, dy, gradients, sums):
      k = i if reverse else depth - 1 - i
      weights = [array.read(k) for array in arrays]
      undo_weights = [array.read(k) for array in undo_arrays]
      floats = [t for t, floating in zip(context, is_float) if floating]
      once = _RunOnce([*weights, *floats])
      x = tf.stop_gradient(undo(y, weights, undo_weights, context, once.first))
      with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([x, *weights, *floats])
        outputs = step(x, weights, context, once.again)
      dx, dweights, dfloats = tape.gradient(
          outputs, (x, weights, floats), output_gradients=[dy, dlog_det],
          unconnected_gradients=tf.UnconnectedGradients.ZERO)
      gradients = [array.write(k, d) for array, d in zip(gradients, dweights)]
      sums = [total + d for total, d in zip(sums, dfloats)]
      return i + 1, tf.ensure_shape(x, y.shape), tf.ensure_shape(dx, dy.shape), gradients, sums

    _, _, dx, gradients, sums = tf.while_loop(
        lambda i, *_: i < depth, body,
        (tf.constant(0), y, tf.ensure_shape(dy, y.shape), gradients, sums),
        parallel_iterations=1, maximum_iterations=depth)
    sums = iter(sums)
    return [dx, *[array.stack() for array in gradients], *[None] * len(undo_stacks),
            *[next(sums) if floating else None for floating in is_float]]

  stacks, undo_stacks, context = (
      [tf.convert_to_tensor(t) for t in ts] for ts in (stacks, undo_stacks, context))
  return differentiable(x, *stacks, *map(tf.stop_gradient, undo_stacks), *context)


class _RunOnce:
  """Runs a network once, and gives its result again with its gradient.

  Args:
    weights: list of Tensors that the network's result depends on, its input aside.
  """

  def __init__(self, weights):
    self._weights = weights

  def first(self, network):
    """The network, which remembers what it did."""
    def call(x, **kwargs):
      self._inputs = [x, *self._weights]
      with tf.GradientTape(watch_accessed_variables=False) as self._tape:
        self._tape.watch(self._inputs)
        self._output = network(x, **kwargs)
      return tf.stop_gradient(self._output)
    return call

  def again(self, network):
    """A function of an equal input that returns the remembered result."""
    del network

    @tf.custom_gradient
    def remembered(*inputs):
      del inputs
      gradient = lambda upstream: self._tape.gradient(
          self._output, self._inputs, output_gradients=upstream,
          unconnected_gradients=tf.UnconnectedGradients.ZERO)
      return tf.identity(self._output), gradient

    return lambda x, **kwargs: remembered(x, *self._weights)


def _pack(stacks):
  """Stacks with those of vectors as one: each costs some thirty operations of a traced gradient.

  Returns:
    The list of stacks, and a function of their slices that returns those of the stacks given.
  """
  is_vector = [stack.shape.rank == 2 for stack in stacks]
  vectors = [stack for stack, vector in zip(stacks, is_vector) if vector]
  if len({stack.dtype for stack in vectors}) != 1:
    return stacks, lambda slices: slices
  others = [stack for stack, vector in zip(stacks, is_vector) if not vector]

  def unpacked(slices):
    vector, *rest = slices
    parts, rest = iter(tf.split(vector, [stack.shape[1] for stack in vectors])), iter(rest)
    return [next(parts if vector else rest) for vector in is_vector]

  return [tf.concat(vectors, 1), *others], unpacked


def _slicer(stacks):
  stacks = [tf.convert_to_tensor(stack) for stack in stacks]

  def read(k):
    # As `stack[k]`, which makes these three anew for each.
    begin, end, stride = tf.reshape(k, [1]), tf.reshape(k + 1, [1]), tf.constant([1])
    return [tf.strided_slice(stack, begin, end, stride, shrink_axis_mask=1) for stack in stacks]

  return read


def _reader(stacks):
  arrays = _unstack(stacks)
  return lambda k: [private_tf.read_element(array, k, stack.shape)
                    for array, stack in zip(arrays, stacks)]


def _unstack(stacks):
  # The gradient of `stack[k]` is as large as the stack, that of a TensorArray's
  # element as large as the element.
  return [
      tf.TensorArray(stack.dtype, stack.shape[0], clear_after_read=False,
                     element_shape=stack.shape[1:]).unstack(tf.convert_to_tensor(stack))
      for stack in stacks]


def _first_order_only(fn, *args):
  """`fn(*args)`, a list of Tensors or Nones, whose own gradient raises."""
  flat = tf.nest.flatten(args)
  is_none = []

  @tf.custom_gradient
  def undifferentiable(*flat):
    results = fn(*tf.nest.pack_sequence_as(args, flat))
    is_none.extend(r is None for r in results)

    def refuse(*_):
      raise NotImplementedError(
          'a reversible level has no second-order and no forward-mode gradients; build the flow '
          'with reversible=False for them.')

    return [r for r in results if r is not None], refuse

  results = iter(undifferentiable(*flat))
  return [None if none else next(results) for none in is_none]
