"""Labels, for the models that want them."""

from tfp_glow.training import errors

__all__ = ['check_labels', 'labels_of']


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


def labels_of(model, batch):
  """The labels of a batch, int32 `[N]`, or None for a model that wants none.

  Args:
    model: an `ImageModel`.
    batch: dict with the key "label".
  """
  return batch['label'] if model.num_classes else None
