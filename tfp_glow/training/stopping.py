"""Turns SIGTERM and Ctrl-C into a wish that the training loop can grant in its own time."""

import signal

__all__ = ['StopRequest']


class StopRequest:
  """A context in which SIGTERM and SIGINT set `signal_name` instead of ending the process.

  A second signal of the same kind acts as usual, for people in a hurry.
  """

  signal_name = None

  def __enter__(self):
    self._former = {number: signal.signal(number, self._request)
                    for number in (signal.SIGTERM, signal.SIGINT)}
    return self

  def __exit__(self, *unused):
    for number, handler in self._former.items():
      signal.signal(number, handler)

  def __bool__(self):
    return self.signal_name is not None

  def _request(self, number, unused_frame):
    self.signal_name = signal.Signals(number).name
    signal.signal(number, self._former[number])
