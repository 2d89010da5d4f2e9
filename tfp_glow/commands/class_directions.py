"""What directions are to a model that is given the class: its label, another one for each."""

import numpy as np

from tfp_glow import errors
from tfp_glow import latents
from tfp_glow.commands import latent_runs
from tfp_glow.commands import run_pictures

__all__ = ['are_classes', 'show']


def are_classes(loaded):
  """Whether a model is given what its data set's directions would be of, so that there are none.

  Args:
    loaded: a `TrainedModel`.
  """
  return loaded.model.num_classes > 0 and (
      loaded.source.attribute_names == loaded.source.class_names)


def show(loaded, path, directions, num_samples, seed, batch_size):
  """A picture of test images as other classes: encoded given their label, decoded given another.

  Without directions there is a row for each test image, and after it a column for each class. Of
  every direction there are rows of a test image (of class a, for `a->b`) and the same as class b.

  Args:
    loaded: a `TrainedModel` with classes.
    path: str, the workdir.
    directions: list of str, each `b` or `a->b`, or None.
    num_samples: int, how many test images.
    seed: int, chooses them.
    batch_size: int, the most images to decode at once.

  Returns:
    A dict: `path` of the PNG; `labels`, the names of the classes of each row.

  Raises:
    UserError: for an unknown class, or too few test images.
  """
  names = loaded.source.class_names
  if directions is None:
    parts = [(None, list(range(len(names))))]
  else:
    parts = [(first, [last]) for first, last in (_ends(name, names) for name in directions)]
  run_pictures.check_size(
      num_samples * sum(1 + len(wanted) for _, wanted in parts), loaded.model.image_shape)
  pictures = latents.LatentPictures(loaded.model, batch_size)
  rows, labels = [], []
  for first, wanted in parts:
    chosen = latent_runs.choose_images(loaded.source, num_samples, seed, label=first)
    changed = pictures.classes(chosen.images, np.array(wanted, np.int32), chosen.labels)
    rows.append(np.concatenate([chosen.images[:, None], changed], 1))
    labels += [[names[label] for label in (own, *wanted)] for own in chosen.labels]
  name = f'directions_step_{loaded.step}_{run_pictures.in_name(seed)}'
  return {'path': run_pictures.save_grid(path, name, np.concatenate(rows)), 'labels': labels}


def _ends(direction, names):
  """The labels of `a->b`, or None and that of `b`."""
  ends = [direction] if direction in names else [end.strip() for end in direction.split('->')]
  if len(ends) > 2 or not set(ends) <= set(names):
    raise errors.UserError(
        f'direction {direction!r} is not known; it must be one of the classes {", ".join(names)}, '
        f'or two of them as in {names[0]}->{names[-1]}.')
  labels = [names.index(end) for end in ends]
  return (None, *labels) if len(labels) == 1 else tuple(labels)
