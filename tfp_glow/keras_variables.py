"""A flow's Variables in Keras' keeping: listed, trained and saved, each once."""

import keras

__all__ = ['FlowPart', 'parts']


class FlowPart(keras.layers.Layer):
  """Variables of one part of a flow, or of any `tf.Module`. It is never called.

  Keras sees no `tf.Variable` that a model holds. As an attribute of a `keras.Model`, this layer
  has them trained and saved:

      self.distribution = distribution
      self.variables_of_flow = FlowPart('flow', distribution.variables)

  Args:
    name: str.
    variables: list of `tf.Variable`s.
  """

  def __init__(self, name, variables):
    super().__init__(name=name)
    # Given a tf.Variable, Keras keeps that very object.
    self.values = [
        keras.Variable(variable, trainable=variable.trainable, aggregation='only_first_replica',
                       name=f'{name}_{i}_{variable.name.split(":")[0].split("/")[-1]}')
        for i, variable in enumerate(variables)]
    self.built = True


def parts(image_model):
  """Yields pairs of a name and Variables, which together are all Variables, each once.

  Args:
    image_model: an `ImageModel`.
  """
  flow = image_model.flow
  modules = [(f'scale_{i}', scale) for i, scale in enumerate(flow.scales)]
  modules += [(f'split_{i}', [split]) for i, split in enumerate(flow.splits)]
  modules += [('top', [] if flow.top is None else [flow.top]), ('others', [image_model])]
  seen = set()
  for name, modules_of_part in modules:
    variables = []
    for variable in (v for module in modules_of_part for v in module.variables):
      if id(variable) not in seen:
        seen.add(id(variable))
        variables.append(variable)
    if variables:
      yield name, variables
