"""What one event leads to on the plain bus: events that handlers return, and commands."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from eda_lab import Command, DirectBus, Event, later
from eda_lab.errors import CommandRoutingError


class DoughKneaded(Event):
    """The first step."""

    loaves: int = 1


class LoafBaked(Event):
    """The second, for each loaf."""

    number: int = 1


class LoafSold(Event):
    """The third."""

    number: int = 1


class SweepFloor(Command):
    """Somebody has to do it, and only one."""

    room: str = "shop"


def bakery() -> tuple[DirectBus, list[str]]:
    """Return a bus on which dough becomes loaves and loaves are sold, and the diary of it."""
    bus, diary = DirectBus(), []

    @bus.on(DoughKneaded, name="oven")
    def bake(dough: DoughKneaded) -> Iterator[LoafBaked]:
        diary.append(f"bake {dough.loaves}")
        for number in range(1, dough.loaves + 1):
            yield LoafBaked(number)

    @bus.on(LoafBaked, name="shop")
    def sell(loaf: LoafBaked) -> LoafSold:
        diary.append(f"sell {loaf.number}")
        if loaf.number == 2:
            raise ValueError("it is burnt")
        return LoafSold(loaf.number)

    bus.subscribe(LoafSold, lambda loaf: diary.append(f"count {loaf.number}"), name="till")
    bus.subscribe(DoughKneaded, lambda _: diary.append("clean"), name="cleaner")
    return bus, diary


def test_what_handlers_return_is_published_after_all_of_them_ran() -> None:
    """In the order in which it was returned, each with all that follows from it before the next."""
    bus, diary = bakery()
    report = bus.publish(DoughKneaded(3))
    assert diary == ["bake 3", "clean", "sell 1", "count 1", "sell 2", "sell 3", "count 3"]
    assert report.handled == 2


def test_the_report_has_the_failures_of_what_followed_too() -> None:
    """The failure belongs to the event that its handler got."""
    bus, _ = bakery()
    (letter,) = bus.publish(DoughKneaded(3)).failures
    assert (letter.group, letter.message.data, letter.error) == ("shop", LoafBaked(2), "ValueError: it is burnt")
    assert bus.publish(DoughKneaded(1)).ok


def test_a_redriven_letter_goes_on_as_if_nothing_had_happened() -> None:
    """What the handler returns now is published."""
    bus, sold, closed = DirectBus(), [], [True]

    @bus.on(LoafBaked, name="shop")
    def sell(loaf: LoafBaked) -> LoafSold:
        if closed:
            raise ConnectionError("closed")
        return LoafSold(loaf.number)

    bus.subscribe(LoafSold, sold.append)
    bus.publish(LoafBaked(7))
    closed.clear()
    assert bus.redrive("shop") == 1
    assert sold == [LoafSold(7)]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"loaf": 1}, "HandlerResultError: bake returned dict {'loaf': 1}: a handler returns nothing, an event, or"),
        (LoafBaked, "HandlerResultError: bake returned the class"),
        (later(60, LoafBaked()), "OptionError: later=60: a DirectBus has no clock: use an EventBus"),
        (SweepFloor(), "CommandRoutingError: the command 'sweep_floor' needs exactly one handler, but nobody listens"),
        ([LoafBaked(), "loaf"], "HandlerResultError: bake returned str 'loaf'"),
        (itertools.count(), "HandlerResultError: bake returned int 0"),
    ],
)
def test_who_returns_what_cannot_be_published_has_failed(result: Any, said: str) -> None:
    """It is that handler's failure: the publisher gets a report, the others are untouched, nothing is published."""
    bus, notes = DirectBus(), []

    @bus.on(DoughKneaded, name="oven")
    def bake(_: DoughKneaded) -> Any:
        return result

    bus.subscribe(DoughKneaded, lambda _: notes.append("clean"))
    bus.subscribe(LoafBaked, notes.append)
    report = bus.publish(DoughKneaded())
    assert [letter.group for letter in report.failures] == ["oven"]
    assert report.failures[0].error.startswith(said)
    assert notes == ["clean"]


# --- commands


def test_a_command_goes_to_its_one_handler() -> None:
    """By class, by topic, or returned by another handler."""
    bus, swept = DirectBus(), []
    bus.subscribe(SweepFloor, lambda command: swept.append(getattr(command, "room", command)), name="sweeper")
    bus.subscribe(LoafSold, lambda _: SweepFloor("till"))
    bus.publish(SweepFloor("shop"))
    bus.publish("sweep_floor", "stairs")
    bus.publish(LoafSold())
    assert swept == ["shop", "stairs", "till"]


def test_a_command_without_a_handler_or_with_two_is_an_error() -> None:
    """Whether it is published by class or by topic; who gets it is found out anew when somebody comes or goes."""
    bus, swept = DirectBus(), []
    for publish in (lambda: bus.publish(SweepFloor()), lambda: bus.publish("sweep_floor", SweepFloor())):
        with pytest.raises(CommandRoutingError, match="needs exactly one handler, but nobody listens") as caught:
            publish()
        assert (caught.value.type, caught.value.groups) == ("sweep_floor", ())
    first = bus.subscribe(SweepFloor, swept.append, name="Ann")
    bus.publish(SweepFloor())
    second = bus.subscribe("sweep_*", swept.append, name="Bob")
    for publish in (lambda: bus.publish(SweepFloor()), lambda: bus.publish("sweep_floor", SweepFloor())):
        with pytest.raises(CommandRoutingError, match=r"but 2 groups listen \(Ann, Bob\)"):
            publish()
    second.unsubscribe()
    assert bus.publish(SweepFloor()).ok
    first.unsubscribe()
    with pytest.raises(CommandRoutingError):
        bus.publish(SweepFloor())
    assert swept == [SweepFloor(), SweepFloor()]
