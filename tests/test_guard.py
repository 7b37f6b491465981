"""The time limit: an endless loop ends with a message, whatever it catches, and nothing else is disturbed."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from eda_lab import EventBus
from eda_lab.course.guard import TimeLimitError, time_limit


def loop_for_ever() -> None:
    while True:
        pass


def test_what_ends_in_time_is_left_alone() -> None:
    with time_limit(5):
        done = sum(range(1000))
    assert done == 499500


def test_an_endless_loop_is_broken_off() -> None:
    with pytest.raises(TimeLimitError, match=r"still running after 0\.2 seconds"), time_limit(0.2):
        loop_for_ever()


def test_a_loop_that_catches_everything_is_broken_off_all_the_same() -> None:
    began = time.monotonic()

    def stubborn() -> None:
        while time.monotonic() < began + 30:
            try:
                loop_for_ever()
            except BaseException:
                if time.monotonic() > began + 1:
                    raise

    with pytest.raises(TimeLimitError), time_limit(0.2):
        stubborn()
    assert time.monotonic() < began + 10


def test_a_handler_without_end_in_the_lab_is_broken_off_and_the_bus_is_whole() -> None:
    bus = EventBus()
    bus.subscribe("ring", lambda event: loop_for_ever(), name="bell")
    bus.publish("ring", {})
    with pytest.raises(TimeLimitError), time_limit(0.2):
        bus.run()
    assert bus.trace.check_conservation().column("in flight") == [1]


def test_a_run_of_the_lab_without_end_is_broken_off() -> None:
    def clock():  # type: ignore[no-untyped-def]
        while True:
            yield 1.0

    bus = EventBus()
    bus.process("clock", clock())
    with pytest.raises(TimeLimitError), time_limit(0.2):
        bus.run()


def test_a_ctrl_c_of_the_user_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt), time_limit(5):
        signal.raise_signal(signal.SIGINT)


def test_the_learners_own_error_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), time_limit(5):
        _ = 1 / 0


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    with time_limit(5):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_outside_the_main_thread_there_is_no_limit_but_no_error_either() -> None:
    seen: list[str] = []

    def work() -> None:
        with time_limit(0.01):
            time.sleep(0.05)
            seen.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["done"]


def test_a_bare_except_in_a_loop_without_end_cannot_hold_it_up() -> None:
    def stubborn() -> None:
        while True:
            try:  # noqa: SIM105 - as a learner may write it
                loop_for_ever()
            except BaseException:  # noqa: BLE001
                pass

    before = (signal.getsignal(signal.SIGINT), sys.gettrace())
    with pytest.raises(TimeLimitError), time_limit(0.2):
        stubborn()
    assert (signal.getsignal(signal.SIGINT), sys.gettrace()) == before
