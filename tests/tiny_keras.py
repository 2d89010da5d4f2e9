"""Small flows as Keras models, for the tests of `keras_model`."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tests import tiny_run as tiny
from tfp_glow import bijectors
from tfp_glow import distributions
from tfp_glow import keras_image_model
from tfp_glow import layers

tfb = tfp.bijectors

BATCH = 8
NUM_IMAGES = 29  # A last batch of 5, which does not divide by two replicas.
NUM_EVALUATED = 17  # A last batch of 1: one of two replicas gets nothing.
NUM_CLASSES = 4
CONTEXT_SIZE = 3
RATE = .05
CLIP = .2  # Less than any gradient's norm here.


def images():
  return tiny.MemorySource().arrays('train')[0].numpy()[:NUM_IMAGES]


def labelled():
  """Images whose bright half is their class, and labels."""
  source = tiny.LabelledSource().arrays('train')
  return [part.numpy()[:NUM_IMAGES] for part in source]


def light(seed=0, num_classes=0, dtype=tf.float32, more=()):
  """A flow without networks, which traces in no time: ActNorm, a 1x1 convolution and `more`."""
  scale = [bijectors.Squeeze(dtype=dtype), bijectors.ActNorm.trainable(4, dtype),
           bijectors.InvertibleConv1x1.trainable(4, seed=seed, dtype=dtype), *more]
  top = bijectors.ClassPrior.trainable(num_classes, 4, dtype) if num_classes else None
  return distributions.flow_distribution(
      bijectors.MultiScale((8, 8, 1), [scale], [], top, dtype))


def with_classes(more=()):
  """A light flow to which labels matter from the start."""
  distribution = light(num_classes=NUM_CLASSES, more=more)
  bias = distribution.bijector.bijectors[-1].top.bias
  bias.assign(np.random.RandomState(0).randn(*bias.shape))
  return distribution


def with_context():
  """One to which labels and a context matter, a vector that shifts channels."""
  matrix = tf.constant(np.random.RandomState(0).randn(CONTEXT_SIZE, 2), tf.float32)
  shift = lambda x, context: (context @ matrix)[:, None, None] + tf.zeros_like(x)
  return with_classes([bijectors.Coupling(
      shift, tfb.Shift, dtype=tf.float32,
      conditions=dict(context=layers.Condition((CONTEXT_SIZE,))))])


def contexts():
  return np.random.RandomState(1).randn(NUM_IMAGES, CONTEXT_SIZE).astype(np.float32)


def everything(num=NUM_IMAGES):
  """What `with_context` needs and more, as data sets have it."""
  x, y = labelled()
  form = {'image': x, 'label': y, 'context': contexts(), 'id': np.arange(len(x))}
  return {name: part[:num] for name, part in form.items()}


def optimizer(**kwargs):
  return keras.optimizers.SGD(RATE, global_clipnorm=CLIP, **kwargs)


def make(distribution=light, strategy=None, start=None, compile_with=optimizer, **options):
  """A distribution and its Keras model, compiled.

  Args:
    distribution: callable that makes the distribution.
    strategy: a `tf.distribute.Strategy`, None for one device.
    start: a batch to initialise from; None: the images; False: not.
    compile_with: callable that makes the optimizer.
    **options: of `compile`.
  """
  with (strategy or tf.distribute.get_strategy()).scope():
    flow = distribution()
    model = keras_image_model.keras_model(flow)
    if start is not False:
      model.initialize(images() if start is None else start)
    model.compile(compile_with(), **options)
  return flow, model


def fit(model, x=None, y=None, **kwargs):
  x = images() if x is None else x
  options = dict(batch_size=BATCH, shuffle=False, verbose=0)
  if isinstance(x, tf.data.Dataset):
    options = dict(verbose=0)
  return model.fit(x, y, **{**options, **kwargs}).history


def values(module):
  return [v.numpy() for v in module.variables]


def assert_close(left, right, atol=1e-5):
  assert len(left) == len(right)
  for a, b in zip(left, right):
    np.testing.assert_allclose(a, b, atol=atol)


def assert_equal(left, right):
  assert [v.tobytes() for v in left] == [v.tobytes() for v in right]
