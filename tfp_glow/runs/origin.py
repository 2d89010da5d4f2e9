"""What a run came from: its data, and the weights that it began with."""

import os

from tfp_glow import data
from tfp_glow import errors
from tfp_glow.runs import files

__all__ = ['Origin']


class Origin:
  """What `origin.json` in a workdir says. Runs of version 0.1 have none.

      data         fingerprint of the data set, see `ImageSource.fingerprint`
      image_shape  [H, W, C]
      classes      names of the classes, in the order of their numbers; absent if the model has none
      init_from    path of the workdir or export whose weights the run began with, step 0 being
                   after them; absent if it began with its own

  Args:
    workdir: a `Workdir`.
  """

  def __init__(self, workdir):
    self._workdir = workdir
    self._file = os.path.join(workdir.path, 'origin.json')

  def read(self):
    """The dict, empty if there is none.

    Raises:
      UserError: if it cannot be read.
    """
    try:
      origin = files.read_record(self._file)
    except FileNotFoundError:
      return {}
    except (OSError, ValueError) as error:
      raise self._unreadable(files.reason(error)) from error
    shape, init_from, classes = map(origin.get, ('image_shape', 'init_from', 'classes'))
    if shape is not None and not (isinstance(shape, list) and len(shape) == 3 and all(
        type(size) is int and size > 0 for size in shape)):
      raise self._unreadable(f'its image_shape is {shape!r}')
    if init_from is not None and not isinstance(init_from, str):
      raise self._unreadable(f'its init_from is {init_from!r}')
    if classes is not None and not (isinstance(classes, list) and all(
        isinstance(name, str) for name in classes)):
      raise self._unreadable(f'its classes are {str(classes)[:50]}')
    return origin

  def _unreadable(self, why):
    return errors.UserError(
        f'{self._file} cannot be read ({why}); put it back from a backup, or delete it to go on '
        f'without comparing the data with that of the run.')

  def write(self, source, init_from=None, has_classes=False):
    """Writes what a run comes from, raising `UserError` where that fails.

    Args:
      source: an `ImageSource`.
      init_from: str or None.
      has_classes: bool, whether the model is one of the source's classes.
    """
    origin = dict(data=source.fingerprint, image_shape=list(source.image_shape))
    if has_classes:
      origin['classes'] = list(source.class_names)
    if init_from is not None:
      origin['init_from'] = init_from
    with files.one_line_errors(self._file):
      files.write_record(self._file, origin)

  def change_of(self, source):
    """How an `ImageSource` differs from the data of the run, a `data.Change`, or None."""
    try:
      return data.describe_change(self.read().get('data'), source.fingerprint)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
      raise self._unreadable('its data are no fingerprint') from error

  def check_data(self, source):
    """Refuses another data set than that of the run.

    Args:
      source: an `ImageSource`.

    Returns:
      A line that says what else has changed, or None.

    Raises:
      UserError: if it is another one.
    """
    change = self.change_of(source)
    if change is not None and change.is_other:
      raise errors.UserError(
          f'the run in {self._workdir.path} cannot go on with other data: {change.message}; to '
          f'begin another run with its weights, choose another --workdir and '
          f'--init_from={self._workdir.path}')
    self.check_fit(source)
    return change and f'The data of the run have changed: {change.message}.'

  def check_fit(self, source):
    """Refuses images that the run's model cannot take, or takes for those of other classes.

    Args:
      source: an `ImageSource`.

    Raises:
      UserError: if the images have another shape, or if a class of the run's has another number.
    """
    origin = self.read()
    shape, classes = tuple(origin.get('image_shape', source.image_shape)), origin.get('classes', [])
    if shape != tuple(source.image_shape):
      why = ' (a folder is grey where all of its pictures are)' if source.name == 'folder' else ''
      raise errors.UserError(
          f'the images of {source.name} are {_by(source.image_shape)}, and those of the run in '
          f'{self._workdir.path} are {_by(shape)} (height x width x channels); put them back as '
          f'they were{why}, or choose another --workdir')
    numbers = {name: number for number, name in enumerate(source.class_names)}
    for number, name in enumerate(classes):
      if numbers.get(name, number) != number:
        raise errors.UserError(
            f'the class {name!r} of {source.name} has the number {numbers[name]}, and in the run '
            f'in {self._workdir.path} it has {number}, whose classes are {_some(classes)}, and '
            f'those of the data are {_some(source.class_names)}; give them their former names '
            f'(those of a folder are its subfolders, numbered by the alphabet), or choose another '
            f'--workdir')

  def check_init_from(self, path):
    """Which weights the run begins, or began, with.

    Args:
      path: str or None, what the user says.

    Returns:
      str or None: that path or, if None was given, what the run was begun with.

    Raises:
      UserError: if the run was begun with others.
    """
    begun_with = self.read().get('init_from')
    if path is None:
      return begun_with
    if begun_with is None or os.path.realpath(begun_with) != os.path.realpath(path):
      what = 'new weights' if begun_with is None else f'the weights of {begun_with}'
      raise errors.UserError(
          f'the run in {self._workdir.path} began with {what}, and --init_from={path} comes too '
          f'late; leave it out to continue, or choose another --workdir.')
    return begun_with


def _by(shape):
  """A shape in words."""
  return 'x'.join(map(str, shape))


def _some(names, num=10):
  """The first of some names, for messages."""
  return ', '.join(names[:num]) + (', ...' if len(names) > num else '')
