"""`stop_signals`: a stop that was asked for is not lost."""

import contextlib
import signal

import pytest

from opticworks.cli.processes import Stopped, stop_signals


def test_a_signal_stops_what_is_being_done_and_what_held_before_holds_again():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped), stop_signals():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_that_was_dropped_on_its_way_is_raised_by_the_next_check():
    with stop_signals() as check:
        check()
        with contextlib.suppress(Stopped):  # as Python does in a weak reference's callback
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)  # ignored: somebody cleans up
        with pytest.raises(Stopped):
            check()
