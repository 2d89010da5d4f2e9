"""Folders that appear whole or not at all, whatever ends the process that writes them."""

import contextlib
import os
import re
import shutil
import tempfile

from tfp_glow.runs import files

__all__ = ['written_whole']


@contextlib.contextmanager
def written_whole(path, contents):
  """Gives a folder to write to, which becomes `path` once it is on disk.

  Until then it is called `.NAME-xxxxxxxx` and lies beside it, so that a server that watches the
  folder around them takes no notice. What a killed process left there of this kind is deleted.

  Args:
    path: str; the folder that it lies in is made.
    contents: names that may lie in such a folder: one with others in it is never deleted.

  Raises:
    OSError: if it cannot be written; nothing is left of it then. Likewise if `path` exists.
  """
  directory, name = os.path.split(path)
  os.makedirs(directory, exist_ok=True)
  with _lock(directory):  # Others wait here, so that none meets a folder that is not locked yet.
    _delete_abandoned(directory, contents)
    temporary = tempfile.mkdtemp(prefix=f'.{name}-', dir=directory)
    held = contextlib.ExitStack()
    held.enter_context(_lock(temporary))
  with held:
    try:
      yield temporary
      os.chmod(temporary, 0o755)
      for folder, _, names in os.walk(temporary):
        for target in [*(os.path.join(folder, name) for name in names), folder]:
          files.flush(target)
      os.rename(temporary, path)
      files.flush(directory)
    finally:
      shutil.rmtree(temporary, ignore_errors=True)


def _delete_abandoned(directory, contents):
  for name in os.listdir(directory):
    folder = os.path.join(directory, name)
    if not re.fullmatch(r'\.\d+-[a-z0-9_]{8}', name) or not os.path.isdir(folder):
      continue
    with _lock(folder, wait=False) as is_locked:
      if is_locked and set(os.listdir(folder)) <= set(contents):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _lock(folder, wait=True):
  """Holds the lock of a folder, which ends with the process; gives whether it was to be had."""
  descriptor, is_locked = None, False
  try:
    import fcntl  # pylint: disable=import-outside-toplevel
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    is_locked = True
  except (ImportError, OSError):
    pass  # Another process holds it, or Windows or a network file system has no such locks.
  try:
    yield is_locked
  finally:
    if descriptor is not None:
      os.close(descriptor)
