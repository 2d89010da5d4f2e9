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
    shape, init_from = origin.get('image_shape'), origin.get('init_from')
    if shape is not None and not (isinstance(shape, list) and len(shape) == 3 and all(
        type(size) is int and size > 0 for size in shape)):
      raise self._unreadable(f'its image_shape is {shape!r}')
    if init_from is not None and not isinstance(init_from, str):
      raise self._unreadable(f'its init_from is {init_from!r}')
    return origin

  def _unreadable(self, why):
    return errors.UserError(
        f'{self._file} cannot be read ({why}); put it back from a backup, or delete it to go on '
        f'without comparing the data with that of the run.')

  def write(self, source, init_from=None):
    """Writes what a run comes from, raising `UserError` where that fails.

    Args:
      source: an `ImageSource`.
      init_from: str or None.
    """
    origin = dict(data=source.fingerprint, image_shape=list(source.image_shape))
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
    return change and f'The data of the run have changed: {change.message}.'

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
