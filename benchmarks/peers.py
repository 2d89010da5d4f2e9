"""The same Glow in each library, behind one interface.

Every class builds a flow for 32x32x3 images with L = 3 levels, affine couplings
and LU kernels, with Adam, and has the methods `train`, `log_prob` and `sample`,
each of which runs one batch and returns when it is done.
"""

import functools

import numpy as np

SIZE, LEVELS = 32, 3
LEARNING_RATE = 1e-4


def images(batch):
  rng = np.random.default_rng(0)
  return (rng.random((batch, SIZE, SIZE, 3)) - 0.5).astype(np.float32)


class _TensorFlowFlow:
  """A flow trained by a `tf.function`.

  Args:
    weights: list of the Variables to train.
    log_prob: callable `x -> [N]` for a batch x.
    sample: callable `seed -> images`.
    x: the batch.
    jit_compile: bool, whether XLA compiles forward and backward.
  """

  def __init__(self, weights, log_prob, sample, x, jit_compile=False):
    import keras
    import tensorflow as tf
    self._x = x = tf.constant(x)
    self._seed = tf.constant([1, 2])
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(weights)

    @tf.function(jit_compile=jit_compile or None)
    def gradients(x):
      with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(log_prob(x))
      return loss, tape.gradient(loss, weights)

    @tf.function
    def train(x):
      loss, grads = gradients(x)
      optimizer.apply(grads, weights)
      return loss

    self._train = train
    self._log_prob = tf.function(log_prob, jit_compile=jit_compile or None)
    self._sample = tf.function(sample, jit_compile=jit_compile or None)

  def train(self):
    return self._train(self._x).numpy()

  def log_prob(self):
    return self._log_prob(self._x).numpy()

  def sample(self):
    return self._sample(self._seed).numpy()


class TfpGlow(_TensorFlowFlow):
  """Ours."""

  def __init__(self, width, depth, batch):
    import tensorflow_probability as tfp
    from tfp_glow import bijectors
    tfd = tfp.distributions
    flow = bijectors.Glow((SIZE, SIZE, 3), num_levels=LEVELS, depth=depth, hidden_channels=width)
    distribution = tfd.TransformedDistribution(
        tfd.Sample(tfd.Normal(0., 1.), [flow.latent_size]), flow)
    super().__init__(list(distribution.trainable_variables), distribution.log_prob,
                     lambda seed: distribution.sample(batch, seed=seed), images(batch))


class Part(_TensorFlowFlow):
  """Ours as a config describes it, uint8 images in and out.

  Args:
    jit_compile: bool.
    **changes: fields of the config's `model`, beside the published scale map.
  """

  def __init__(self, width, depth, batch, jit_compile=False, **changes):
    import tensorflow as tf
    from configs import base
    from tfp_glow import distributions
    config = base.defaults().model
    config.update(num_levels=LEVELS, depth=depth, hidden_channels=width, scale_map='sigmoid',
                  hidden_actnorm=False)
    config.update(changes)
    model = distributions.build_image_model(config, (SIZE, SIZE, 3))
    labels = tf.range(batch) % config.num_classes if config.num_classes else None

    def log_prob(x):
      noise = tf.random.stateless_uniform(x.shape, self._seed)
      return model.log_prob(x, noise, labels=labels)

    super().__init__(
        list(model.trainable_variables), log_prob,
        lambda seed: model.sample(batch, temperature=1., seed=seed, labels=labels),
        (255 * (images(batch) + 0.5)).astype(np.uint8), jit_compile)


class TfpBijectorsGlow(_TensorFlowFlow):
  """`tfp.bijectors.Glow`, TFP's own."""

  def __init__(self, width, depth, batch):
    import tensorflow_probability as tfp
    tfb, tfd = tfp.bijectors, tfp.distributions
    flow = tfb.Glow(
        output_shape=(SIZE, SIZE, 3), num_glow_blocks=LEVELS, num_steps_per_block=depth,
        coupling_bijector_fn=functools.partial(tfb.GlowDefaultNetwork, num_hidden=width),
        exit_bijector_fn=tfb.GlowDefaultExitNetwork)
    distribution = tfd.TransformedDistribution(
        tfd.Sample(tfd.Normal(0., 1.), [SIZE * SIZE * 3]), flow)
    # Its ActNorm takes its statistics from the first batch that it sees.
    distribution.log_prob(images(batch))
    super().__init__(list(distribution.trainable_variables), distribution.log_prob,
                     lambda seed: distribution.sample(batch, seed=seed), images(batch))


class ConvolutionStack:
  """The convolutions of the couplings and nothing else, in plain TensorFlow: the ceiling."""

  def __init__(self, width, depth, batch):
    import keras
    import tensorflow as tf
    rng = tf.random.Generator.from_seed(0)
    weights, inputs = [], []
    for side, channels in level_shapes():
      half = channels // 2
      inputs.append(rng.normal([batch, side, side, half]))
      for _ in range(depth):
        weights.append([
            tf.Variable(0.05 * rng.normal(shape)) for shape in (
                [3, 3, half, width], [1, 1, width, width], [3, 3, width, 2 * half])])
    flat = tf.nest.flatten(weights)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(flat)
    conv = lambda x, kernel: tf.nn.conv2d(x, kernel, 1, 'SAME')

    def forward(inputs):
      total = 0.
      kernels = iter(weights)
      for x in inputs:
        for _ in range(depth):
          first, middle, last = next(kernels)
          h = conv(tf.nn.relu(conv(tf.nn.relu(conv(x, first)), middle)), last)
          x = x + h[..., :x.shape[-1]] + h[..., x.shape[-1]:]
        total += tf.reduce_mean(x**2)
      return total

    @tf.function
    def train():
      with tf.GradientTape() as tape:
        loss = forward(inputs)
      optimizer.apply(tape.gradient(loss, flat), flat)
      return loss

    evaluate = tf.function(lambda: forward(inputs))
    self.train = lambda: train().numpy()
    self.log_prob = self.sample = lambda: evaluate().numpy()


def normflows_glow(image_shape, levels, depth, hidden_channels):
  """normflows' multi-scale Glow of images `[N, C, H, W]`, in the form of its published example.

  Args:
    image_shape: `(H, W, C)`.
    levels, depth: ints L and K.
    hidden_channels: int, width of the coupling networks.
  """
  import normflows as nf
  height, width, channels = image_shape
  bases, merges, flows = [], [], []
  for i in range(levels):
    flows.append([
        *[nf.flows.GlowBlock(channels * 2**(levels + 1 - i), hidden_channels, split_mode='channel',
                             scale=True) for _ in range(depth)], nf.flows.Squeeze()])
    if i > 0:
      merges.append(nf.flows.Merge())
    # The coarsest level, the first here, keeps all its channels, the others half of them.
    scale = 2**(levels - i)
    bases.append(nf.distributions.GlowBase(
        (channels * scale * (1 if i else 2), height // scale, width // scale)))
  return nf.MultiscaleFlow(bases, flows, merges, class_cond=False)


class Normflows:
  """normflows' multi-scale Glow (PyTorch).

  Args:
    compiled: bool, whether `torch.compile` compiles it.
    channels_last: bool, whether images and kernels lie in memory as TensorFlow has them.
  """

  def __init__(self, width, depth, batch, compiled=False, channels_last=False):
    import torch
    torch.manual_seed(0)
    model = normflows_glow((SIZE, SIZE, 3), LEVELS, depth, width)
    order = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(memory_format=order)
    x = torch.from_numpy(images(batch)).permute(0, 3, 1, 2).contiguous(memory_format=order)
    with torch.no_grad():
      model.log_prob(x, None)  # Its ActNorm initialises itself here.
    log_prob = torch.compile(model.log_prob) if compiled else model.log_prob
    sample = torch.compile(model.sample) if compiled else model.sample
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)

    def train():
      optimizer.zero_grad()
      loss = -log_prob(x, None).mean()
      loss.backward()
      optimizer.step()
      return float(loss)

    def without_gradient(fn):
      def call():
        with torch.no_grad():
          result = fn()
        return (result[0] if isinstance(result, tuple) else result).numpy()
      return call

    self.train = train
    self.log_prob = without_gradient(lambda: log_prob(x, None))
    self.sample = without_gradient(lambda: sample(batch))


def level_shapes():
  """Side and channels of the images in each level."""
  shapes, side, channels = [], SIZE, 3
  for _ in range(LEVELS):
    side, channels = side // 2, channels * 4
    shapes.append((side, channels))
    channels //= 2
  return shapes


def multiply_adds(width, depth):
  """Of one image's `log_prob`: the couplings' convolutions and the 1x1 kernels."""
  return sum(
      depth * side * side * (
          9 * (c // 2) * width + width * width + 9 * width * 2 * (c // 2) + c * c)
      for side, c in level_shapes())


PEERS = {
    'tfp.bijectors.Glow': TfpBijectorsGlow,
    'normflows': Normflows,
    'convolution stack': ConvolutionStack,
}
PARTS = {name: functools.partial(Part, **changes) for name, changes in {
    'plain': {},
    'reversible': dict(reversible=True),
    'bfloat16': dict(precision='bfloat16'),
    'jit_compile': dict(jit_compile=True),
    'additive': dict(coupling='additive'),
    'tanh': dict(scale_map='tanh'),
    'mixture of 4 logistics': dict(coupling='mixture_logistics', num_components=4),
    'spline of 8 bins': dict(coupling='spline'),
    'label-conditioned': dict(num_classes=10, condition_couplings=True),
    'hidden ActNorm': dict(hidden_actnorm=True),
    'gated networks': dict(network='gated'),
    'attention networks': dict(network='attention'),
    'variational_conv': dict(dequantization='variational_conv'),
    'variational': dict(dequantization='variational'),
    'flow++': dict(dequantization='flow++'),
}.items()}
SIDES = {'tfp_glow': TfpGlow, **PEERS, **PARTS}

_OF_TENSORFLOW = {
    f'oneDNN {name}': dict(environment={'TF_ENABLE_ONEDNN_OPTS': value})
    for name, value in (('off', '0'), ('on', '1'))}
_OF_TORCH = {
    'eager': {},
    'channels_last': dict(arguments=dict(channels_last=True)),
    'compiled': dict(arguments=dict(compiled=True), compiles=True),
    'compiled, channels_last': dict(
        arguments=dict(compiled=True, channels_last=True), compiles=True),
}


def settings(name):
  """The settings that a side is tried with, of which the best counts.

  Returns:
    A dict by name of dicts: `environment`, variables of its process; `arguments` for its class;
    `compiles`, whether building may take very long.
  """
  return _OF_TORCH if name == 'normflows' else _OF_TENSORFLOW
