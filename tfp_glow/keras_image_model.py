"""A keras.Model around an image model: compile, fit, evaluate, predict."""

import inspect

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow import bijectors
from tfp_glow import distributions
from tfp_glow import keras_batches
from tfp_glow import keras_optimizer
from tfp_glow import keras_variables
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.private import keras as private_keras

__all__ = ['KerasImageModel', 'keras_model']

tfd = tfp.distributions
tfb = tfp.bijectors


def keras_model(model, n_bits=None, seed=0, name='keras_image_model'):
  """A `keras.Model` that trains a flow over images, by maximum likelihood.

      model = tfp_glow.keras_model(distribution)
      model.initialize(images[:256])
      model.compile('adamax')
      model.fit(images, batch_size=64, epochs=10)

  Args:
    model: an `ImageModel`, or a `tfd.TransformedDistribution` over images in
      the unit cube with a `Glow` (or another `MultiScale`) as its bijector or in
      its `tfb.Chain`. It keeps its Variables: after `fit` it is the trained one.
    n_bits: int, 1 to 8, bits of a colour value that count. None means 8, or
      what the `ImageModel` has.
    seed: int, of the dequantisation noise in training.
    name: str.

  Returns:
    A `KerasImageModel`. Make it, and before it the distribution, inside
    `strategy.scope()` to train on several replicas.

  Raises:
    TypeError: for anything else than such a distribution.
    ValueError: for an `n_bits` that the `ImageModel` does not have, or Variables of another
      strategy's scope.
  """
  if not isinstance(model, distributions.ImageModel):
    model = distributions.ImageModel(_with_chain(model), 8 if n_bits is None else n_bits)
  elif n_bits not in (None, model.n_bits):
    raise ValueError(
        f'the ImageModel has n_bits={model.n_bits}, got n_bits={n_bits}; leave n_bits out.')
  return KerasImageModel(model, seed, name)


def _with_chain(distribution):
  """The distribution with its bijector in a `tfb.Chain`, over the same Variables."""
  # No isinstance: TFP's objects are of private classes where Variables are involved.
  bijector = getattr(distribution, 'bijector', None)
  if isinstance(getattr(bijector, 'bijectors', [bijector])[-1], bijectors.MultiScale):
    if not hasattr(bijector, 'bijectors'):
      bijector = tfb.Chain([bijector])
    return tfd.TransformedDistribution(distribution.distribution, bijector)
  raise TypeError(
      'keras_model takes an ImageModel or a tfd.TransformedDistribution whose bijector is, or '
      f'is a tfb.Chain that ends in, a Glow or MultiScale; got {distribution!r}.')


class KerasImageModel(private_keras.BuiltModel):
  """Trains an `ImageModel` with Keras. Made by `keras_model`.

  Everywhere images are uint8 `[N, H, W, C]`: arrays, or batches of a dataset. A batch may also be
  a tuple (images, labels) or (images, labels, weights), or a dict with the key "image" as TFDS
  gives it, "label", and "mask" for the weights. Of a flow that images are modelled given
  something, labels must be there, int `[N]`, and under its name every other condition, such as
  "context"; of another flow labels are ignored. On several workers Keras' rules hold: every worker
  passes the same data with the global batch size, and writes into folders of its own.

  The loss is bits per dimension, one draw of the dequantisation bound, averaged
  over the global batch (weighted, if there are weights; remainders that do not
  divide by the replicas count right). Noise is a function of the seed, the number of the batch
  and the image's place in it; in `evaluate` and `predict` it is a function of the image's number,
  the same every time. `predict` returns bits per dimension of each image, float `[N]`.

  `compile` takes an optimizer and what concerns running (`jit_compile`,
  `run_eagerly`, on one replica `steps_per_execution`); loss and metrics are fixed. XLA compiles
  forward and backward pass, which works on several replicas too. Gradients are
  clipped after they were summed over the replicas. The flow computes in its own dtype, whatever
  Keras' dtype policy is; under "mixed_float16" Keras scales the loss, which changes nothing else.

  Weights are the Variables of the distribution itself, each once, so
  `save_weights` (and `ModelCheckpoint(..., save_weights_only=True)`) keeps all,
  permutations and signs of the 1x1 convolutions included.

  Args:
    image_model: an `ImageModel`.
    seed: int.
    name: str.
  """

  def __init__(self, image_model, seed=0, name='keras_image_model'):
    # Nothing is cast to the policy's dtype: conditions and Variables have the flow's.
    super().__init__(name=name, autocast=False)
    strategy = self.distribute_strategy
    for variable in image_model.variables:
      if not strategy.extended.variable_created_in_scope(variable):
        raise ValueError(
            f'the Variable {variable.name!r} does not belong to the {type(strategy).__name__} '
            'in whose scope keras_model was called; make the distribution and the Keras model '
            'inside one `with strategy.scope():`.')
    self._seed = seed
    # Behind a function: Keras would track the module's Variables a second time.
    self._hold = lambda: image_model
    self._parts = [keras_variables.FlowPart(name, variables)
                   for name, variables in keras_variables.parts(image_model)]
    with strategy.scope():
      # Images so far in the running evaluation or prediction.
      self._num_seen = tf.Variable(
          0, dtype=tf.int64, trainable=False, name='num_seen',
          aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
    self._checked = False
    self._use_xla(False)
    self.built = True

  @property
  def image_model(self):
    """The `ImageModel`, for `sample`, `encode` and the rest."""
    return self._hold()

  def _mean_loss(self):
    """The `keras.metrics.Mean` of the loss, which `compile` made."""
    return self.metrics[0]

  def initialize(self, images, labels=None):
    """Data-dependent initialisation; see `ImageModel.initialize`. Call it once, before `fit`.

    Args:
      images: uint8 `[N, H, W, C]`, all replicas' (on several workers, the same on
        each), or a batch of another form, or a `tf.data.Dataset` or `keras.utils.PyDataset` whose
        first batch is taken. Some hundred images are enough.
      labels: int `[N]`, for a flow with classes, if `images` does not hold them.

    Raises:
      ValueError: for images of a wrong shape, dtype or range, and for conditions that are missing
        or of a wrong shape or dtype.
    """
    batch = keras_batches.first_batch(images)
    if labels is not None:
      batch = (batch, labels)
    images, conditions, _ = keras_batches.unpack(batch, self.image_model)
    if images.shape[0] and tf.reduce_max(images) <= 1:
      raise ValueError(
          'images must be uint8 from 0 to 255, got no value above '
          f'{int(tf.reduce_max(images))}; multiply by 255 before the cast to uint8.')
    strategy = self.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    if images.shape[0] < replicas:
      raise ValueError(
          f'initialize needs at least one image for each of the {replicas} replicas, '
          f'got {images.shape[0]}.')
    noise = noise_lib.batch_noise(self._seed, 0, images.shape)

    def share(context):
      # An uneven division is no problem, the statistics are sums over all images.
      i, n = context.replica_id_in_sync_group, images.shape[0]
      rows = slice(i * n // replicas, (i + 1) * n // replicas)
      return tf.nest.map_structure(lambda t: t[rows], (images, noise, conditions))

    def run():
      strategy.run(lambda images, noise, conditions: self.image_model.initialize(
          images, noise, **conditions), args=shares)

    shares = strategy.experimental_distribute_values_from_function(share) if replicas > 1 else (
        images, noise, conditions)
    # One replica runs it op by op: tracing all steps of a deep flow takes longer.
    (tf.function(run, autograph=False) if replicas > 1 else run)()

  def compile(self, optimizer='adamax', loss=None, metrics=None, weighted_metrics=None,
              loss_weights=None, jit_compile='auto', **kwargs):
    """Configures training; see `keras.Model.compile`.

    Args:
      optimizer: a Keras optimizer made inside the strategy's scope, or its name.
      loss, metrics, weighted_metrics, loss_weights: None; the loss is bits per dimension.
      jit_compile: bool or "auto", whether XLA compiles forward and backward.
      **kwargs: what else `keras.Model.compile` takes.

    Raises:
      ValueError: for a loss, metrics, no optimizer, one of another scope, and what Keras cannot do
        on several replicas: an optimizer that accumulates gradients or overwrites weights by their
        average, and several steps_per_execution.
    """
    for argument, value in dict(
        loss=loss, metrics=metrics, weighted_metrics=weighted_metrics,
        loss_weights=loss_weights).items():
      if value is not None:
        raise ValueError(
            f'the loss is bits per dimension and the only metric, got {argument}={value!r}; '
            f'leave {argument} out.')
    strategy = self.distribute_strategy
    with strategy.scope():
      super().compile(optimizer, jit_compile=jit_compile, **kwargs)
      keras_optimizer.check(self.optimizer, self)
      if not self.optimizer.built:
        self.optimizer.build(self.trainable_variables)
    self._known = frozenset(map(id, self.trainable_variables))  # To the optimizer.
    self._use_xla(self.jit_compile)
    # Keras would compile the whole step, collectives included, which fails.
    self.jit_compile = False

  def fit(self, x=None, y=None, *args, **kwargs):
    given = _with_weights(super().fit, x, y, *args, **kwargs)
    if given.get('validation_data') is not None:
      given['validation_data'] = keras_batches.with_weights(
          *keras.utils.unpack_x_y_sample_weight(given['validation_data']))
    return super().fit(**given)

  def evaluate(self, x=None, y=None, *args, **kwargs):
    return super().evaluate(**_with_weights(super().evaluate, x, y, *args, **kwargs))

  def call(self, images, labels=None):
    """Bits per dimension, float `[N]`, of images `[N, H, W, C]`; arguments as of `initialize`."""
    batch = images if labels is None else (images, labels)
    images, conditions, _ = keras_batches.unpack(batch, self.image_model)
    noise = self._evaluation_noise(0, tf.shape(images)[0])
    return self.image_model.bits_per_dim(
        images, tf.ensure_shape(noise, images.shape), **conditions)

  def train_step(self, data):
    share = keras_batches.share(data, self.image_model)
    noise = noise_lib.batch_noise(
        self._seed, keras_optimizer.num_steps(self.optimizer),
        [share.total, *self.image_model.image_shape])
    share, noise = share.never_empty(noise[share.first:share.first + share.count])
    variables = self.trainable_variables
    for variable in variables:
      if id(variable) not in self._known:
        raise ValueError(
            f'{self.name}: {variable.path} is trainable and was not when compile was called; call '
            'compile again.')
    total = tf.reduce_sum(share.weights)
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
      total = context.all_reduce(tf.distribute.ReduceOp.SUM, total)
    scale = keras_optimizer.scale_of_loss(self.optimizer, total.dtype)
    values, gradients = self._gradients(
        tuple(map(id, variables)), share.images, noise, share.conditions,
        scale * tf.math.divide_no_nan(share.weights, total))
    self._mean_loss().update_state(values, sample_weight=share.weights)
    self.optimizer.apply(
        keras_optimizer.reduced(self.optimizer, gradients), variables)
    return self._logs()

  def test_step(self, data):
    share, noise = self._evaluation_share(data)
    values = self._bits_per_dim(share.images, noise, share.conditions)
    self._mean_loss().update_state(values, sample_weight=share.weights)
    return self._logs()

  def predict_step(self, data):
    share, noise = self._evaluation_share(data)
    return self._bits_per_dim(share.images, noise, share.conditions)[:share.count]

  def make_train_function(self, force=False):
    if self.image_model.classifier is not None:
      raise ValueError(
          f'{self.name}: the ImageModel has a classifier, whose loss only train.py trains '
          '(model.class_weight); make it without one.')
    if self.train_function is None or force:
      super().make_train_function(force=True)
      self.train_function = self._after_check(self.train_function)

  def make_test_function(self, force=False):
    self._num_seen.assign(0)
    if self.test_function is None or force:
      super().make_test_function(force=True)
      self.test_function = self._after_check(self.test_function)

  def make_predict_function(self, force=False):
    self._num_seen.assign(0)
    if self.predict_function is None or force:
      super().make_predict_function(force=True)
      self.predict_function = self._after_check(self.predict_function)

  def save(self, *args, **kwargs):
    """Not supported: raises a NotImplementedError. Use `save_weights`."""
    raise NotImplementedError(
        f'{self.name}: a distribution cannot be saved as a whole Keras model; use save_weights '
        '(ModelCheckpoint: save_weights_only=True and a path that ends in .weights.h5).')

  def export(self, filepath, *args, **kwargs):
    """Writes a SavedModel of `call`; see `keras.Model.export`, whose signature here is known.

    `tfp_glow.serving.export_model` writes one that samples and encodes, too.
    """
    if len(args) < 3:
      kwargs.setdefault('input_signature', [keras_batches.specs(self.image_model)])
    super().export(filepath, *args, **kwargs)

  def get_config(self):
    raise NotImplementedError(f'{self.name}: a distribution has no Keras config.')

  def _use_xla(self, use_xla):
    model = self.image_model

    def bits_per_dim(images, noise, conditions):
      return model.bits_per_dim(images, noise, **conditions)

    def gradients(ids, images, noise, conditions, weights):
      del ids  # They make XLA's function another one where others train.
      variables = [v.value for v in self.trainable_variables]
      with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        values = bits_per_dim(images, noise, conditions)
        loss = tf.reduce_sum(weights * values)
      return values, tape.gradient(
          loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    compiled = lambda fn: tf.function(fn, jit_compile=True, autograph=False) if use_xla else fn
    self._gradients = compiled(gradients)
    self._bits_per_dim = compiled(bits_per_dim)

  def _evaluation_share(self, data):
    share = keras_batches.share(data, self.image_model)
    noise = self._evaluation_noise(
        self._num_seen + tf.cast(share.first, tf.int64), share.count)
    self._num_seen.assign_add(tf.cast(share.total, tf.int64))
    return share.never_empty(noise)

  def _evaluation_noise(self, first, count):
    """That of the training program's evaluation, so that both measure the same."""
    index = first + tf.range(tf.cast(count, tf.int64))
    return noise_lib.noise_of_images(
        noise_lib.EVALUATION_SEED, index, self.image_model.image_shape)

  def _logs(self):
    loss = self._mean_loss().result()
    if _num_workers(self.distribute_strategy) > 1:
      # There Keras averages logs along an axis, which scalars lack
      # (github.com/tensorflow/tensorflow/issues/72388).
      loss = tf.reshape(loss, [1])
    return dict(loss=loss)

  def _after_check(self, function):
    """`function`, checking before its first call, when callbacks have loaded their weights."""
    def checked(data):
      self._checked = self._checked or _is_initialized(self.image_model)
      if not self._checked:
        raise ValueError(
            f'{self.name} is not initialised: every ActNorm is still the identity. Call '
            'initialize(images) with some hundred training images, or load weights, first.')
      try:
        return function(data)
      except tf.errors.InvalidArgumentError as error:
        keras_batches.raise_what_failed(error)
        raise
      except ValueError:
        # A function that has seen images of a wrong shape would take the next
        # ones, right or wrong, for images of unknown shape.
        self.train_function = self.test_function = self.predict_function = None
        raise
    return checked


def _with_weights(method, *args, **kwargs):
  """All arguments of a method of Keras by name, weights of images without labels with the images."""
  given = inspect.signature(method).bind(*args, **kwargs).arguments
  more = given.pop('kwargs', {})
  x, y, weights = keras_batches.with_weights(given['x'], given['y'], given.get('sample_weight'))
  return {**given, **more, 'x': x, 'y': y, 'sample_weight': weights}


def _num_workers(strategy):
  if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
    return 1
  cluster = strategy.cluster_resolver.cluster_spec()
  return sum(cluster.num_tasks(job) for job in cluster.jobs if job in ('chief', 'worker'))


def _is_initialized(image_model):
  """Whether an ActNorm that data initialise, if there is any, has left the identity."""
  actnorms = [
      module for scale in image_model.flow.scales for bijector in scale
      for module in (bijector, *bijector.submodules)
      if isinstance(module, bijectors.ActNorm) and isinstance(module.bias, tf.Variable)]
  return not actnorms or any(
      bool(tf.reduce_any(tf.not_equal(v, 0.))) for m in actnorms for v in (m.bias, m.log_scale))
