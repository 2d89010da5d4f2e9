"""A bar for what takes longer than anybody wants to wait without a word."""

import sys
import threading

import tqdm

__all__ = ['progress']

_PATIENCE_S = 5.


def progress(iterable, total, what):
  """Goes through an iterable, with a bar on stderr if that takes over five seconds.

  Args:
    iterable: any iterable.
    total: int, how many elements it has.
    what: str, what is done with them, before the bar.

  Yields:
    The same elements.
  """
  tty = sys.stderr.isatty()
  bar = tqdm.tqdm(
      iterable, total=total, desc=what, file=sys.stderr, delay=_PATIENCE_S, leave=False,
      dynamic_ncols=tty, mininterval=.5 if tty else 15., maxinterval=15.,
      bar_format='{desc} {n_fmt}/{total_fmt} |{bar:20}| [{elapsed}, {remaining} left]')
  # The first element alone, for which TensorFlow traces, may take longer than that.
  first = threading.Timer(_PATIENCE_S, bar.refresh)
  first.daemon = True
  first.start()
  try:
    yield from bar
  finally:
    first.cancel()
    bar.close()
