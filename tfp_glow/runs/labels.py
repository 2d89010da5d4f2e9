"""Labels and other conditions, for the models that want them."""

from tfp_glow import errors

__all__ = ['check_labels', 'conditions_of']


def check_labels(config, source):
  """Refuses a model of classes that its data set does not have.

  Args:
    config: a config.
    source: an `ImageSource`.

  Raises:
    UserError: if `model.num_classes` is above 0 and another number than the classes
      of the data set's labels.
  """
  wanted, found = config.model.num_classes, source.num_classes
  if not wanted or wanted == found:
    return
  if found is None:
    raise errors.UserError(
        f'model.num_classes={wanted} needs a data set with labels, and {source.name} has none; '
        f'set model.num_classes=0, or choose another data set.')
  raise errors.UserError(
      f'model.num_classes={wanted} does not fit the data set {source.name}, whose labels have '
      f'{found} classes; set model.num_classes={found}.')


def conditions_of(model, batch):
  """What a model's images are given, a dict of Tensors `[N, ...]` by name.

  Args:
    model: an `ImageModel`.
    batch: dict with the key "label" for labels, and the name of every other condition.
  """
  return {name: batch['label' if name == 'labels' else name] for name in model.conditions}
