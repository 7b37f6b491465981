"""Handlers that ask for the real time: in the lab they get one line that names what takes its place."""

import datetime as dt
import functools
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import sleep as nap
from time import time as now_please
from typing import Any

import pytest

from eda_lab import Consumer, DirectBus, EventBus, LabWarning, handles


def sleeping(event: Any) -> None:
    """Sleep, through the module."""
    time.sleep(1)


def napping(event: Any) -> None:
    """Sleep, through a name of its own."""
    nap(1)


def stamping(event: Any) -> float:
    """Ask the module `datetime` under another name."""
    return dt.datetime.now().timestamp()


def stamping_with_class(event: Any) -> str:
    """Ask the class, in the middle of something else."""
    return f"{event}: {datetime.now():%H:%M}"


def stamping_in_utc(event: Any) -> datetime:
    """Ask for the time in UTC, in the way that Python itself no longer likes."""
    return datetime.utcnow()


def timing(event: Any) -> float:
    """Ask for the Unix time."""
    return now_please() - time.time()


class Sleeper:
    """A callable object that sleeps, and so does its method."""

    def __call__(self, event: Any) -> None:
        time.sleep(1)

    def doze(self, event: Any) -> None:
        nap(1)


def innocent(event: Any) -> Any:
    """Use the words, but none of the clocks."""
    sleep = now = event.sleep
    return event.time, event.now(), sleep, now, dt.timedelta(seconds=time.monotonic()), datetime(2026, 1, 31)


SLEEP = "time.sleep() stops everybody; say subscribe(..., takes=seconds)"
NOW = "datetime.now() differs from run to run; use delivery.message.time"


@pytest.mark.parametrize(
    ("handler", "warning"),
    [
        (sleeping, f"sleeping: {SLEEP}"),
        (napping, f"napping: {SLEEP}"),
        (functools.partial(napping), f"partial: {SLEEP}"),
        (Sleeper(), f"Sleeper: {SLEEP}"),
        (Sleeper, f"Sleeper: {SLEEP}"),
        (Sleeper().doze, f"Sleeper.doze: {SLEEP}"),
        (stamping, f"stamping: {NOW}"),
        (stamping_with_class, f"stamping_with_class: {NOW}"),
        (stamping_in_utc, "stamping_in_utc: datetime.utcnow() differs from run to run; use delivery.message.time"),
        (timing, "timing: time.time() differs from run to run; use delivery.message.time"),
    ],
)
@pytest.mark.parametrize("subscribe", ["subscribe", "on"])
def test_a_handler_that_asks_for_the_real_time_gets_one_line_in_the_lab(
    handler: Any, warning: str, subscribe: str
) -> None:
    """It names what takes its place, and points to the line that subscribed; the handler serves all the same."""
    bus = EventBus()
    call: Callable[[], Any] = {
        "subscribe": lambda: bus.subscribe("order_placed", handler),
        "on": lambda: bus.on("order_placed")(handler),
    }[subscribe]
    with pytest.warns(LabWarning) as caught:
        call()
    assert [str(one.message) for one in caught] == [warning]
    assert Path(caught[0].filename) == Path(__file__)
    assert len(bus.trace.groups) == 1


def test_each_of_two_clocks_gets_its_line_and_each_only_once() -> None:
    """However often it is asked."""

    def restless(_: Any) -> tuple[float, float]:
        nap(1)
        time.sleep(2)
        return time.time(), now_please()

    with pytest.warns(LabWarning) as caught:
        EventBus().subscribe("order_placed", restless)
    assert [str(one.message).partition("()")[0] for one in caught] == ["restless: time.sleep", "restless: time.time"]


@pytest.mark.parametrize("handler", [innocent, print, time.sleep])
def test_who_only_uses_the_words_is_not_warned(handler: Any) -> None:
    """An event may have a `time`; and what is written in C is not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EventBus().subscribe("order_placed", handler)


def test_on_a_plain_bus_real_time_is_the_only_time_there_is() -> None:
    """The classic example sleeps, and rightly so."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DirectBus().subscribe("order_placed", sleeping)


def test_the_methods_of_a_consumer_are_read_too() -> None:
    """The warning comes when the class is subscribed, not when it is written."""

    class Drowsy(Consumer):
        @handles("order_placed")
        def doze(self, order: Any) -> None:
            time.sleep(1)

        @handles("order_cancelled")
        def stamp(self, order: Any) -> datetime:
            return datetime.now()

    with pytest.warns(LabWarning) as caught:
        EventBus().subscribe(Drowsy.listens_to, Drowsy)
    assert [str(one.message) for one in caught] == [f"Drowsy.doze: {SLEEP}", f"Drowsy.stamp: {NOW}"]
