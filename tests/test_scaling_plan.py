"""The plan's formulas against what Glow really builds and traces, and against its page."""

import collections
import math
import os

import pytest
import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph

from benchmarks import scaling_plan
from configs import base
from configs import celeb_a_hq256
from configs import imagenet64
from tfp_glow import distributions
from tfp_glow.layers import convolution

_PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                     'docs', 'scaling.md')
_BATCH = 2


def _small(coupling='affine', hidden_actnorm=True, num_levels=2, learn_top=True, reversible=False,
           depth=3, hidden_channels=20):
  config = base.defaults()
  config.dataset.image_size = 16
  # As in the published configs, which the plan is about.
  config.model.scale_map, config.model.input_limit = 'sigmoid', 0.
  config.model.update(
      coupling=coupling, hidden_actnorm=hidden_actnorm, num_levels=num_levels,
      learn_top=learn_top, reversible=reversible, depth=depth, hidden_channels=hidden_channels)
  return config


def _build(config):
  size = config.dataset.image_size
  return distributions.build_image_model(config.model, (size, size, 3))


def _count(variables):
  return sum(math.prod(v.shape) for v in variables)


@pytest.mark.parametrize('changes', [
    dict(), dict(coupling='additive'), dict(hidden_actnorm=False), dict(num_levels=1),
    dict(num_levels=3, depth=1), dict(learn_top=False)], ids=str)
def test_counts_the_parameters_that_glow_has(changes):
  config = _small(**changes)
  model, plan = _build(config), scaling_plan.model_from_config('small', config)
  assert plan.parameters() == _count(model.trainable_variables)
  assert plan.fixed() == _count(model.variables) - _count(model.trainable_variables)


@pytest.mark.parametrize('module', [imagenet64, celeb_a_hq256])
def test_counts_the_parameters_of_the_configs(module):
  # All but the number of steps as in the config; steps are alike.
  counts = []
  for depth in (1, 2):
    config = module.get_config()
    config.model.depth = depth
    counts.append(_count(_build(config).trainable_variables))
  one, two = counts
  config = module.get_config()
  plan = scaling_plan.model_from_config('', config)
  assert plan.parameters() == one + (config.model.depth - 1) * (two - one)
  assert [level.channels for level in plan.levels] == [
      12 * 2**i for i in range(config.model.num_levels)]


def _loop_bodies(config):
  """The bodies of the training graph's loops: of each level's forward, then of backward."""
  model = _build(config)
  variables = model.trainable_variables

  @tf.function
  def gradients(images, noise):
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean(model.bits_per_dim(images, noise))
    return tape.gradient(loss, variables)

  shape = [_BATCH, *model.image_shape]
  graph = gradients.get_concrete_function(tf.zeros(shape, tf.uint8), tf.zeros(shape)).graph
  functions = {f.signature.name: f for f in graph.as_graph_def().library.function}
  return [
      function_def_to_graph.function_def_to_graph(functions[op.get_attr('body').name])
      for op in graph.get_operations() if op.type in ('While', 'StatelessWhile')]


def _forward_flops(body):
  """Of one image: those of the products and convolutions in a forward loop's body."""
  flops = 0
  for op in body.get_operations():
    if op.type in ('MatMul', 'Conv2D'):
      pixels = op.outputs[0].shape.num_elements() // op.outputs[0].shape[-1]
      flops += 2 * pixels * _kernel_size(op)
  return flops / _BATCH


def _kernel_size(op):
  return op.inputs[1].shape.num_elements()


@pytest.mark.parametrize('reversible', [False, True], ids=['plain', 'reversible'])
@pytest.mark.parametrize('coupling', ['affine', 'additive'])
def test_counts_what_the_training_graph_does(coupling, reversible, monkeypatch):
  # The plan is about accelerators, for which convolutions are not taken apart.
  monkeypatch.setattr(convolution, '_runs_on_cpu', lambda: False)
  config = _small(coupling, num_levels=1, reversible=reversible)
  level, = scaling_plan.model_from_config('small', config).levels
  forward, backward = _loop_bodies(config)

  assert _forward_flops(forward) == level.forward_flops() / level.depth
  # Each product has a gradient for its input and one for its weights, which cost as
  # much. A reversible step undoes its 1x1, and runs it and its network once more.
  types = collections.Counter(op.type for op in backward.get_operations())
  assert types['Conv2DBackpropInput'] == types['Conv2DBackpropFilter'] == 3
  assert types['Conv2D'] == 3 * reversible
  assert types['MatMul'] == 2 + 2 * reversible

  kept = sum(
      op.inputs[1].shape.num_elements() for op in forward.get_operations()
      if op.type == 'TensorListPushBack' and op.inputs[1].shape.rank in (2, 4)
      and op.inputs[1].shape.num_elements() % (_BATCH * level.pixels) == 0
      and op.inputs[1].shape[0] in (_BATCH, _BATCH * level.pixels))
  expected = 0 if reversible else level.pixels * level.step_activations()
  assert kept == _BATCH * expected


def test_the_page_says_what_the_formulas_give():
  for model in scaling_plan.models():
    plain, reversible = (model.activation_bytes(r) for r in (False, True))
    assert reversible < plain / 10
    assert model.memory(2, True) - model.memory(1, True) == reversible
  with open(_PAGE, encoding='utf-8') as f:
    page = f.read()
  for table in scaling_plan.tables():
    assert table in page, 'put the output of python -m benchmarks.scaling_plan into docs/scaling.md'
