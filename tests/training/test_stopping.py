"""SIGTERM and SIGINT become a wish; a second one is an order."""

import signal

import pytest

from tfp_glow.training import stopping


def test_wish():
  former = signal.getsignal(signal.SIGTERM)
  with stopping.StopRequest() as stop:
    assert not stop
    signal.raise_signal(signal.SIGTERM)
    assert stop and stop.signal_name == 'SIGTERM'
  assert signal.getsignal(signal.SIGTERM) is former


def test_second_signal():
  former = signal.signal(signal.SIGINT, signal.default_int_handler)  # Not that of a background job.
  try:
    with stopping.StopRequest() as stop:
      signal.raise_signal(signal.SIGINT)
      assert stop
      with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
  finally:
    signal.signal(signal.SIGINT, former)
