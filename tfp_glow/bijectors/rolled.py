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
  packing = _Packing(stacks)
  # Without a tape, slices are better: they share the memory of the stack.
  make = _reader if private_tf.could_possibly_record() else _slicer
  read = make(packing.pack(stacks))

  def body(i, x, log_det):
    k = depth - 1 - i if reverse else i
    y, log_det_k = step(x, packing.unpack(read(k)))
    return i + 1, tf.ensure_shape(y, x.shape), log_det + log_det_k

  _, y, log_det = tf.while_loop(
      lambda i, *_: i < depth, body,
      (tf.constant(0), x, tf.zeros(static_shape.sizes(x)[:1], x.dtype)), maximum_iterations=depth)
  return y, log_det


def update(step, fixed, stacks, x, unroll=False):
  """Like `run`, for steps that give new weights instead of log-dets.

  Args:
    step: callable `(x, fixed, weights) -> (y, new_weights)`; all are lists of slices, those of
      the new weights of the shapes of the weights, and y has the shape of x.
    fixed: list of Tensors `[K, ...]` that a step needs and leaves as they are.
    stacks: list of Tensors or Variables `[K, ...]`.
    x: float Tensor.
    unroll: bool, whether each of the K steps is traced by itself.

  Returns:
    The last y and the list of the new weights, stacked.
  """
  depth, packing = stacks[0].shape[0], _Packing(stacks)
  packed = packing.pack(stacks)
  arrays, fixed_arrays = _unstack(packed), _unstack(fixed)
  updated = _empty_like(packed)

  def body(k, x, updated):
    y, weights = step(x, [array.read(k) for array in fixed_arrays],
                      packing.unpack([array.read(k) for array in arrays]))
    return (k + 1, tf.ensure_shape(y, x.shape),
            [array.write(k, weight) for array, weight in zip(updated, packing.pack(weights))])

  if unroll:
    for k in range(depth):
      _, x, updated = body(k, x, updated)
  else:
    _, x, updated = tf.while_loop(
        lambda k, *_: k < depth, body, (tf.constant(0), x, updated), maximum_iterations=depth)
  return x, packing.unpack([array.stack() for array in updated])


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
  depth, packing = stacks[0].shape[0], _Packing(stacks)
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
    packed = packing.pack(stacks)
    arrays, undo_arrays, gradients = _unstack(packed), _unstack(undo_stacks), _empty_like(packed)
    is_float = [t.dtype.is_floating for t in context]
    sums = [tf.zeros_like(t) for t, floating in zip(context, is_float) if floating]

    def body(i, y, dy, gradients, sums):
      k = i if reverse else depth - 1 - i
      weights = packing.unpack([array.read(k) for array in arrays])
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
      gradients = [
          array.write(k, d) for array, d in zip(gradients, packing.pack(dweights))]
      sums = [total + d for total, d in zip(sums, dfloats)]
      return i + 1, tf.ensure_shape(x, y.shape), tf.ensure_shape(dx, dy.shape), gradients, sums

    _, _, dx, gradients, sums = tf.while_loop(
        lambda i, *_: i < depth, body,
        (tf.constant(0), y, tf.ensure_shape(dy, y.shape), gradients, sums),
        parallel_iterations=1, maximum_iterations=depth)
    sums = iter(sums)
    return [dx, *packing.unpack([array.stack() for array in gradients]),
            *[None] * len(undo_stacks),
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


class _Packing:
  """Puts the vectors of a step together: each stack is some thirty operations of a traced gradient.

  Args:
    stacks: list of Tensors or Variables `[K, ...]`; those `[K, n]` are packed if they are of one
      dtype.
  """

  def __init__(self, stacks):
    vectors = [stack for stack in stacks if stack.shape.rank == 2]
    is_packed = len({stack.dtype for stack in vectors}) == 1
    self._is_vector = [is_packed and stack.shape.rank == 2 for stack in stacks]
    self._sizes = [stack.shape[1] for stack in vectors] if is_packed else []

  def pack(self, parts):
    """The stacks, or slices of them, with the vectors as one, which comes first."""
    if not self._sizes:
      return parts
    vectors = [part for part, is_vector in zip(parts, self._is_vector) if is_vector]
    others = [part for part, is_vector in zip(parts, self._is_vector) if not is_vector]
    return [tf.concat(vectors, -1), *others]

  def unpack(self, packed):
    """What `pack` was given."""
    if not self._sizes:
      return packed
    vectors, others = iter(tf.split(packed[0], self._sizes, -1)), iter(packed[1:])
    return [next(vectors if is_vector else others) for is_vector in self._is_vector]


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


def _empty_like(stacks):
  return [tf.TensorArray(stack.dtype, stack.shape[0], element_shape=stack.shape[1:])
          for stack in stacks]


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
