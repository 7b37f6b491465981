"""Loops without end and Ctrl-C on the plain bus: both come out of `publish`, and the bus can be used afterwards."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from eda_lab import DirectBus, Event
from eda_lab.errors import CascadeLimitError


class LoafBaked(Event):
    """It leads to others, but it is not part of the loop."""

    number: int = 1


class CrumbsLeft(Event):
    """It leads to one crumb less."""

    number: int


class LoafSold(Event):
    """It leads to nothing."""

    number: int = 1


class Ping(Event):
    """Answered by a pong."""


class Pong(Event):
    """Answered by a ping."""


def by_return(bus: DirectBus) -> None:
    """Let ping and pong answer each other by what they return."""
    bus.subscribe(Ping, lambda _: Pong(), name="ping")
    bus.subscribe(Pong, lambda _: Ping(), name="pong")


def by_calling(bus: DirectBus) -> None:
    """Let ping and pong answer each other by calling publish themselves."""
    bus.subscribe(Ping, lambda _: bus.publish(Pong()) and None, name="ping")
    bus.subscribe(Pong, lambda _: bus.publish(Ping()) and None, name="pong")


def by_both(bus: DirectBus) -> None:
    """Let one return, the other call."""
    bus.subscribe(Ping, lambda _: Pong(), name="ping")
    bus.subscribe(Pong, lambda _: bus.publish(Ping()) and None, name="pong")


def with_two_ways(bus: DirectBus) -> None:
    """Let each have two handlers that go on: without a limit there would be two to the power of hundreds."""
    for name in "ab":
        bus.subscribe(Ping, lambda _: bus.publish(Pong()) and None, name=f"ping {name}")
        bus.subscribe(Pong, lambda _: bus.publish(Ping()) and None, name=f"pong {name}")


@pytest.mark.parametrize("loop", [by_return, by_calling, by_both, with_two_ways])
@pytest.mark.parametrize("begin", [Ping, LoafBaked])
def test_events_that_cause_one_another_without_end_are_stopped(
    loop: Callable[[DirectBus], None], begin: type[Any]
) -> None:
    """The error names those that go round, not what led to them; and the bus can be used afterwards."""
    bus, notes = DirectBus(), []
    loop(bus)
    bus.subscribe(LoafBaked, lambda _: bus.publish(Ping()) and None, name="start")
    bus.subscribe(LoafSold, notes.append)
    depth = sys.getrecursionlimit()
    with pytest.raises(CascadeLimitError, match="let one of these handlers return nothing") as caught:
        bus.publish(begin())
    assert set(caught.value.cycle) == {"ping", "pong"}
    assert len(caught.value.cycle) == 2
    assert caught.value.limit > 10
    assert sys.getrecursionlimit() == depth
    assert bus.publish(LoafSold()).handled == 1
    with pytest.raises(CascadeLimitError):
        bus.publish(begin())
    assert bus.publish(LoafSold(2)).handled == 1
    assert notes == [LoafSold(), LoafSold(2)]

    bus.subscribe(CrumbsLeft, lambda crumbs: CrumbsLeft(crumbs.number - 1) if crumbs.number else None)
    assert bus.publish(CrumbsLeft(90)).ok  # the loop before it has used up nothing of what a long chain may take


@pytest.mark.parametrize("answer", [lambda bus: Ping(), lambda bus: bus.publish(Ping()) and None])
def test_an_event_that_causes_itself_is_a_cycle_of_one(answer: Callable[[DirectBus], Any]) -> None:
    """The shortest loop there is."""
    bus = DirectBus()
    bus.subscribe(Ping, lambda _: answer(bus))
    with pytest.raises(CascadeLimitError, match="events still cause events: ping -> ping;") as caught:
        bus.publish(Ping())
    assert caught.value.cycle == ("ping",)


def test_a_chain_that_ends_is_no_loop() -> None:
    """Ninety generations of one type are long, but they end."""
    bus, seen = DirectBus(), []

    @bus.on(LoafBaked)
    def count_down(loaf: LoafBaked) -> LoafBaked | None:
        seen.append(loaf.number)
        return LoafBaked(loaf.number - 1) if loaf.number else None

    assert bus.publish(LoafBaked(90)).ok
    assert seen == list(range(90, -1, -1))


def test_a_handler_that_calls_itself_without_end_is_only_a_broken_handler() -> None:
    """No events go round; the others get theirs."""
    bus, notes = DirectBus(), []

    def dig(event: Any) -> Any:
        return dig(event)

    bus.subscribe(Ping, dig, name="mole")
    bus.subscribe(Ping, notes.append)
    bus.subscribe(Pong, lambda _: bus.publish(Ping()) and None)
    assert [letter.group for letter in bus.publish(Ping()).failures] == ["mole"]
    assert bus.publish(Pong()).ok
    assert [letter.error[:14] for letter in bus.failures] == ["RecursionError"] * 2
    assert len(notes) == 2


@pytest.mark.parametrize("interrupted", [KeyboardInterrupt, GeneratorExit])
def test_ctrl_c_goes_through_and_the_bus_can_be_used_again(interrupted: type[BaseException]) -> None:
    """Also from the depth of what an event caused, and out of a redrive, which then keeps its letters."""
    bus, reached = DirectBus(), []
    troubles: list[type[BaseException]] = [ConnectionError]

    @bus.on(LoafSold, name="till")
    def count(_: LoafSold) -> None:
        reached.append("till")
        if troubles:
            raise troubles[-1]

    bus.subscribe(LoafBaked, lambda loaf: LoafSold(loaf.number))
    bus.publish(LoafBaked(1))
    bus.publish(LoafBaked(2))
    troubles.append(interrupted)
    with pytest.raises(interrupted):
        bus.publish(LoafBaked(3))
    with pytest.raises(interrupted):
        bus.redrive("till")
    assert [letter.message.data for letter in bus.dead_letters()] == [LoafSold(1), LoafSold(2)]
    troubles.clear()
    assert bus.publish(LoafBaked(4)).ok
    assert bus.redrive("till") == 2
    assert bus.dead_letters() == []
