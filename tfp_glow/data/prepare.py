"""Makes sure that a TFDS data set lies prepared on disk, and fails fast where it cannot."""

import contextlib
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from tfp_glow import errors

_SECONDS_TO_ANSWER = 3.
_MAX_HOSTS = 3


def data_dir(config_data_dir):
  """Folder of prepared data sets: the config's, else $TFDS_DATA_DIR, else TFDS' default."""
  chosen = config_data_dir or os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets'
  return os.path.expanduser(chosen)


def _ask(host, answers):
  """Puts True on a queue if a server answers anything at all, else False."""
  try:
    request = urllib.request.Request(host, method='HEAD')
    urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER).close()
    answers.put(True)
  except urllib.error.HTTPError:
    answers.put(True)  # Not found or forbidden is an answer too.
  except Exception:  # pylint: disable=broad-except
    answers.put(False)


def reachable(hosts):
  """Whether one of some hosts answers within a few seconds.

  Looking up a name can hang for longer than any socket timeout, so each host is asked in a
  daemon thread of its own, which is left alone once the time is over.

  Args:
    hosts: list of str, such as 'https://example.org'.

  Returns:
    bool.
  """
  answers = queue.Queue()
  for host in hosts:
    threading.Thread(target=_ask, args=(host, answers), daemon=True).start()
  deadline = time.monotonic() + _SECONDS_TO_ANSWER
  for _ in hosts:
    try:
      if answers.get(timeout=max(0., deadline - time.monotonic())):
        return True
    except queue.Empty:
      return False
  return False


def _hosts(builder):
  """Hosts that a builder downloads from, those of its own files first."""
  hosts = []
  for url in builder.url_infos:
    parts = urllib.parse.urlsplit(url)
    host = f'{parts.scheme}://{parts.netloc}'
    if parts.scheme in ('http', 'https') and host not in hosts:
      hosts.append(host)
  return hosts[:_MAX_HOSTS] or ['https://storage.googleapis.com']


def own_files():
  """The ways on with files of one's own, for messages."""
  return ('Ways on with its files: dataset.name=idx or npz (files as MNIST or Keras have them) or '
          'dataset.name=folder (pictures), each with dataset.data_dir, where they lie')


def _ways_on(folder):
  return (f'{own_files()}; or, fetched elsewhere as its checksums.tsv lists them, in '
          f'{_manual_folder(folder)} (manual downloads of TensorFlow Datasets). Without any '
          f'download: mnist5k, photo_patches')


def _manual_folder(folder):
  return os.path.join(folder, 'downloads', 'manual')


def _has_files(builder, folder):
  """Whether all files of a builder lie in the folder of manual downloads."""
  names = [info.filename for info in builder.url_infos.values()]
  return bool(names) and all(
      name and os.path.isfile(os.path.join(_manual_folder(folder), name)) for name in names)


def _require_download(builder, name, folder):
  """Raises `UserError` unless the files of a builder can be had."""
  manual = _manual_folder(folder)
  if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
    if not os.path.isdir(manual) or not os.listdir(manual):
      raise errors.UserError(
          f'data set {name!r} is not prepared in {folder}, and its files have to be downloaded '
          f'by hand into {manual} first: {builder.MANUAL_DOWNLOAD_INSTRUCTIONS} '
          f'{own_files()}. Without any download: mnist5k, photo_patches')
    return
  hosts = _hosts(builder)
  if not _has_files(builder, folder) and not reachable(hosts):
    raise errors.UserError(
        f'data set {name!r} is not prepared in {folder} and cannot be downloaded: no answer from '
        f'{", ".join(hosts)}. {_ways_on(folder)}')


def _is_prepared(builder):
  # TFDS warns about a folder that is not there; asking for it first keeps the log clean.
  return os.path.isdir(builder.data_dir) and builder.is_prepared()


@contextlib.contextmanager
def _quiet(tfds):
  """Hides the progress bars and messages of TFDS, for a data set made in a moment."""
  tfds.display_progress_bar(False)
  try:
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
      yield
  finally:
    tfds.display_progress_bar(True)


def prepare(make_builder, *, name, folder, needs_download):
  """A builder whose data lies prepared on disk.

  Several processes may prepare the same data set at once: TFDS works in a folder of its own
  name and renames it at the end, so one of them comes first, and the others use its result.

  Args:
    make_builder: function of no arguments that returns a `tfds.core.DatasetBuilder`.
    name: str, the data set's name for messages.
    folder: str, the folder that holds prepared data sets.
    needs_download: bool, whether preparing needs the internet.

  Returns:
    The prepared builder.

  Raises:
    UserError: if it is not prepared and cannot be; within 10 seconds if that is so because
      there is no internet.
  """
  import tensorflow_datasets as tfds  # pylint: disable=import-outside-toplevel
  builder = make_builder()
  if _is_prepared(builder):
    return builder
  if needs_download:
    _require_download(builder, name, folder)
  try:
    if needs_download:
      with contextlib.redirect_stdout(sys.stderr):  # stdout is for results.
        builder.download_and_prepare()
    else:
      print(f'Preparing data set {name} in {builder.data_dir} (once).', file=sys.stderr)
      with _quiet(tfds):
        builder.download_and_prepare()
    return builder
  except errors.UserError:
    raise
  except Exception as error:  # pylint: disable=broad-except
    builder = make_builder()
    if _is_prepared(builder):
      return builder  # Another process was faster.
    ways = (f'. {_ways_on(folder)}' if needs_download else
            '; another folder for prepared data is chosen by the environment variable TFDS_DATA_DIR')
    raise errors.UserError(f'data set {name!r} cannot be prepared in {folder}: '
                           f'{type(error).__name__}: {str(error)[:300]}{ways}') from error
