"""Running the lab: whole, in slices or step by step; and what a handler must not do with the bus that runs it."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import Crash, Event, EventBus, Faults, LabWarning, Retry, example_order, exponential, open_shop

KINDS = {"published", "queued", "started", "acked", "failed", "crashed", "dead lettered", "is down", "is up"}


class DoorOpened(Event):
    """Somebody came in."""

    number: int


class LightLit(Event):
    """What follows."""

    number: int


def scenario() -> EventBus:
    """Return a bus with a bit of everything, not yet run."""
    crashes = (Crash("light", "2", 1, "before ack"), Crash("light", "5", 1, "before work"))
    bus = EventBus(seed=4, faults=Faults(crashes=crashes, down=2), visibility=3)

    def light(door: DoorOpened, delivery: Any) -> LightLit:
        if door.number % 3 == 0 and delivery.attempt < 3:
            raise ConnectionError(door.number)
        return LightLit(door.number)

    bus.subscribe(DoorOpened, light, name="light", workers=2, takes=exponential(1), retry=Retry(jitter=1))
    bus.subscribe(DoorOpened, lambda _: None, name="bell", takes=0.1)
    bus.subscribe(LightLit, lambda lit: {}[lit.number] if lit.number == 4 else None, name="meter")
    bus.process("street", iter([thing for n in range(8) for thing in (DoorOpened(n), 0.5)]))
    bus.publish(DoorOpened(100), at=2)
    return bus


WHOLE = scenario()
WHOLE.run()


def test_the_scenario_has_a_bit_of_everything() -> None:
    """Or the tests below would compare less than they say."""
    assert {happening.kind for happening in WHOLE.trace.log} == KINDS


def test_step_by_step_it_is_the_same_run() -> None:
    """Each step names one thing and is the next line of the transcript, if not the head of several."""
    bus = scenario()
    named = []
    while (happening := bus.step()) is not None:
        assert happening.kind in KINDS
        assert happening.time == bus.clock.now
        named.append(str(happening))
    assert bus.trace.transcript() == WHOLE.trace.transcript()
    lines = iter(bus.trace.transcript().splitlines())
    assert all(line in lines for line in named)
    assert len(named) > 60
    assert bus.step() is None


def test_steps_tell_the_story_of_one_order() -> None:
    """Published for all at once, then one thing at a time."""
    bus = EventBus()
    bus.subscribe(DoorOpened, lambda door: LightLit(door.number), name="light", takes=1)
    bus.subscribe(LightLit, lambda _: None, name="meter", takes=0.5)
    bus.publish(DoorOpened(1))
    told = []
    while (happening := bus.step()) is not None:
        told.append((happening.time, happening.text))
    assert told == [
        (0.0, "light started door_opened 1"),
        (1.0, "light published light_lit checkout-1/light.1 to 1 group"),
        (1.0, "light acked door_opened 1"),
        (1.0, "meter started light_lit checkout-1/light.1"),
        (1.5, "meter acked light_lit checkout-1/light.1"),
    ]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.integers(0, 9), st.floats(0, 12), st.none()), max_size=12))
def test_slices_are_the_same_run(slices: list[int | float | None]) -> None:
    """By number of things, up to a second, or a step: however it is cut, and the books balance at every cut."""
    bus = scenario()
    for piece in slices:
        if piece is None:
            bus.step()
        elif isinstance(piece, int):
            bus.run(max_events=piece)
        else:
            bus.run(until=piece)
            assert bus.clock.now >= round(piece, 6)
        bus.trace.check_conservation()
        assert bus.trace.now == bus.clock.now
    bus.run()
    assert bus.trace.transcript() == WHOLE.trace.transcript()


def test_run_until_includes_its_second() -> None:
    """What falls on it happens; the clock stands there even if nothing does."""
    bus = EventBus()
    bus.subscribe(DoorOpened, lambda _: None, name="bell", takes=2)
    bus.publish(DoorOpened(1))
    bus.run(until=1.5)
    assert (bus.clock.now, bus.trace.deliveries[0].outcome) == (1.5, "in flight")
    bus.run(until=2)
    assert (bus.clock.now, bus.trace.deliveries[0].outcome) == (2.0, "done")
    bus.run(until=7)
    bus.settle()
    bus.run(until=3)
    assert bus.clock.now == 7.0


@pytest.mark.parametrize("call", [lambda bus: bus.run(), lambda bus: bus.step(), lambda bus: bus.settle()])
def test_a_handler_cannot_run_the_bus_that_runs_it(call: Callable[[EventBus], object]) -> None:
    """It is told what to do instead; the run around it is not harmed, and another bus may be run."""
    bus, other = EventBus(), EventBus()
    for each in (bus, other):
        each.subscribe(DoorOpened, lambda _: None, name="bell")
        each.publish(DoorOpened(1))
    bus.subscribe(DoorOpened, lambda _: call(bus) and None, name="inside", takes=1)
    bus.subscribe(DoorOpened, lambda _: other.run(), name="outside")
    bus.publish(DoorOpened(2))
    bus.run()
    (letter,) = bus.dead_letters()
    assert (letter.group, letter.error.partition(":")[0]) == ("inside", "HandlerError")
    assert "return events instead" in letter.error
    assert [d.outcome for d in other.trace.deliveries] == ["done"]
    bus.trace.check_conservation()
    bus.run()


def test_publishing_inside_a_handler_warns_once_and_keeps_the_story() -> None:
    """It is published at once, as caused by what the handler has in hand; after a failure it stays published."""
    bus = EventBus()

    def light(door: DoorOpened, delivery: Any) -> LightLit:
        told = bus.publish(LightLit(10 * delivery.attempt))
        later = bus.publish("note", {}, delay=5)
        inside.append((told.id, told.correlation_id, told.causation_id, told.time, later.time))
        if delivery.attempt == 1:
            raise ConnectionError
        return LightLit(door.number)

    inside: list[Any] = []
    bus.subscribe(DoorOpened, light, name="light", takes=1, retry=Retry(backoff=1))
    bus.subscribe(LightLit, lambda _: None, name="meter")
    bus.publish(DoorOpened(1))
    with pytest.warns(LabWarning, match=r"light: return the event instead of calling bus\.publish") as caught:
        bus.run()
    assert [(warning.filename, len(caught)) for warning in caught] == [(__file__, 1)]
    assert inside == [
        ("checkout-1/light.1", "1", "1", 1.0, 6.0),
        ("checkout-1/light.1", "1", "1", 3.0, 8.0),  # the same id: it is the same thing, done again
    ]
    assert [(m.id, m.source, m.time, m.causation_id) for m in bus.trace.messages[1:]] == [
        ("checkout-1/light.1", "light", 1.0, "1"),
        ("checkout-1/light.1", "light", 3.0, "1"),
        ("checkout-1/light.3", "light", 3.0, "1"),
        ("checkout-1/light.2", "light", 6.0, "1"),
        ("checkout-1/light.2", "light", 8.0, "1"),
    ]


def test_a_loop_made_with_publish_is_stopped_like_any_other() -> None:
    """Whether it is returned or published by hand, it ends the run with its name."""
    bus = EventBus(cascade=10)
    bus.subscribe(DoorOpened, lambda door: bus.publish(DoorOpened(door.number + 1)) and None, name="echo")
    bus.publish(DoorOpened(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabWarning)
        with pytest.raises(Exception, match="door_opened -> door_opened"):
            bus.run()
    bus.run()
    assert len(bus.trace.messages) == 11
    bus.trace.check_conservation()


def test_the_last_service_of_the_example_is_done_at_half_a_second() -> None:
    """Five services work side by side: the run takes as long as the slowest, and nobody waits for another."""
    bus = EventBus(seed=1)
    open_shop(bus)
    bus.publish(example_order())
    bus.run()
    assert bus.clock.now == 0.5
    assert {d.group: d.ended_at for d in bus.trace.deliveries} == {
        "inventory": 0.2,
        "payment": 0.5,
        "email": 0.3,
        "shipping": 0.4,
        "analytics": 0.1,
    }
    assert repr(bus) == "<EventBus at 0.5 s: 5 groups, 1 messages>"
