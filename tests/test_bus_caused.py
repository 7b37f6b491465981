"""What causes what: events that handlers return, commands, cascades, and processes that act by themselves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import CascadeLimitError, Command, EdaLabError, Event, EventBus, Retry, later
from eda_lab.errors import CommandRoutingError, HandlerError


class RiverRose(Event):
    """A fact of its own, so that no other test listens to it."""

    metres: float


class AlarmRaised(Event):
    """What follows from it."""

    level: int = 1


class CloseGate(Command):
    """To be done by exactly one."""

    gate: str


def nothing(_: object) -> None:
    """Do nothing."""


def seen_by(bus: EventBus, what: object, **options: Any) -> list[Any]:
    """Subscribe a handler that keeps what it is handed, and return what it keeps."""
    kept: list[Any] = []
    bus.subscribe(what, lambda event: kept.append(event), **options)
    return kept


# --- what causes what


def test_what_a_handler_returns_is_published_as_caused_by_what_it_got() -> None:
    """The correlation is the first cause's, the causation the direct one's, the source the group."""
    bus = EventBus()
    bus.subscribe(RiverRose, lambda rose: [AlarmRaised(1), later(60, AlarmRaised(2))], name="watch", takes=2)
    bus.subscribe(AlarmRaised, lambda alarm: {3: None}.get(alarm.level, AlarmRaised(3)), name="siren")
    bus.publish(RiverRose(7.0), source="gauge-1")
    bus.run()
    rows = [(m.id, m.source, m.time, m.correlation_id, m.causation_id) for m in bus.trace.messages]
    assert rows == [
        ("1", "gauge-1", 0.0, "1", None),
        ("gauge-1-1/watch.1", "watch", 2.0, "1", "1"),
        ("gauge-1-1/watch.1/siren.1", "siren", 2.0, "1", "gauge-1-1/watch.1"),
        ("gauge-1-1/watch.2", "watch", 62.0, "1", "1"),
        ("gauge-1-1/watch.2/siren.1", "siren", 62.0, "1", "gauge-1-1/watch.2"),
    ]


@settings(deadline=None)
@given(
    fails=st.integers(0, 3),
    number=st.integers(0, 4),
    before=st.integers(0, 3),
    kind=st.sampled_from([list, tuple, iter]),
)
def test_ids_are_the_same_at_every_attempt(fails: int, number: int, before: int, kind: Callable[..., Any]) -> None:
    """How often it failed, and what else was published before, does not show in the ids of what comes of it."""

    def watch(rose: RiverRose, delivery: Any) -> Any:
        if delivery.attempt <= fails:
            raise ConnectionError
        return kind([AlarmRaised(n) for n in range(number)])

    bus = EventBus()
    bus.subscribe(RiverRose, watch, name="watch", retry=Retry(max_attempts=4))
    for _ in range(before):
        bus.publish("note", {}, delay=0.1)
    message = bus.publish(RiverRose(1.0))
    bus.run()
    caused = [m for m in bus.trace.messages if m.causation_id is not None]
    assert [m.id for m in caused] == [f"checkout-{message.id}/watch.{n + 1}" for n in range(number)]
    assert {m.causation_id for m in caused} <= {message.id}
    assert [d.attempt for d in bus.trace.deliveries] == list(range(1, fails + 2))


def test_a_chain_longer_than_pythons_stack_can_be_read() -> None:
    """A heartbeat beats for ever: each beat causes the next, and that is no cascade."""
    bus = EventBus()
    bus.subscribe("start", lambda _: AlarmRaised(), name="start")
    bus.subscribe(AlarmRaised, lambda beat: later(1, AlarmRaised(beat.level + 1)), name="heart")
    bus.publish("start", {})
    bus.run(until=1500)
    last = bus.trace.messages[-1]
    assert (last.data.level, last.time, last.correlation_id) == (1501, 1500.0, "1")
    assert last.id == "checkout-1/start.1" + "/heart.1" * 1500
    assert len(bus.trace.lineage(last.id).ancestors) == 1501


def test_what_a_heartbeat_causes_counts_from_that_beat() -> None:
    """After fifty beats, each of which raises an alarm at once, no generation is too many."""
    bus = EventBus(cascade=3)
    bus.subscribe(RiverRose, lambda rose: [AlarmRaised(), later(1, RiverRose(rose.metres + 1))], name="gauge")
    bus.subscribe(AlarmRaised, lambda alarm: None if alarm.level == 3 else AlarmRaised(alarm.level + 1), name="siren")
    bus.publish(RiverRose(1.0))
    bus.run(until=49)
    assert sum(message.type == "alarm_raised" for message in bus.trace.messages) == 150
    assert bus.dead_letters() == []


@pytest.mark.parametrize("pause", [0, 0.0, 1e-9])
@pytest.mark.parametrize("takes", [0, 0.5])
def test_a_loop_is_stopped_and_named(pause: float, takes: float) -> None:
    """Events that cause one another end the run with their names; the bus can go on, and the loop is in the letters."""
    bus = EventBus(cascade=20)
    kept = seen_by(bus, "note", name="notes")
    bus.subscribe(RiverRose, lambda _: later(pause, AlarmRaised()), name="watch", takes=takes)
    bus.subscribe(AlarmRaised, lambda _: [RiverRose(1.0)], name="siren")
    bus.publish("note", {}, at=100)
    bus.publish(RiverRose(1.0))
    with pytest.raises(CascadeLimitError, match="river_rose") as caught:
        bus.run()
    assert set(caught.value.cycle) == {"river_rose", "alarm_raised"}
    assert len(bus.trace.messages) == 21
    bus.trace.check_conservation()
    bus.run()
    assert len(kept) == 1
    assert [letter.error.partition(":")[0] for letter in bus.dead_letters()] == ["CascadeLimitError"]


def test_a_command_has_exactly_one_group_that_handles_it() -> None:
    """None is an error, and so are two: of whoever publishes it, or of the handler that returned it."""
    bus = EventBus()
    with pytest.raises(CommandRoutingError, match="nobody listens"):
        bus.publish(CloseGate("north"))
    bus.subscribe(AlarmRaised, lambda _: CloseGate("south"), name="watch")
    gates = seen_by(bus, CloseGate, name="gates", workers=2)
    bus.publish(AlarmRaised())
    bus.publish(CloseGate("north"))
    bus.run()
    assert sorted(command.gate for command in gates) == ["north", "south"]
    seen_by(bus, "close_*", name="too many")
    with pytest.raises(CommandRoutingError) as caught:
        bus.publish(CloseGate("north"))
    assert caught.value.groups == ("gates", "too many")
    bus.publish(AlarmRaised())
    bus.run()
    assert [letter.error.partition(":")[0] for letter in bus.dead_letters("watch")] == ["CommandRoutingError"]


def test_of_what_a_handler_returned_all_is_published_or_nothing() -> None:
    """One thing that is no event, or cannot cross the wire, keeps back the others; the letter says which."""
    returned: dict[int, Any] = {
        1: [AlarmRaised(), "alarm"],
        2: [AlarmRaised(), RiverRose("high")],
        3: [AlarmRaised(), AlarmRaised],
        4: 5,
        5: [],
    }
    bus = EventBus()
    bus.subscribe("ask", lambda number: returned[number], name="answer", retry=Retry(max_attempts=2))
    for number in returned:
        bus.publish("ask", number)
    bus.run()
    assert [m.type for m in bus.trace.messages] == ["ask"] * 5
    errors = {letter.message.data: letter.error.partition(":")[0] for letter in bus.dead_letters()}
    assert errors == {
        1: "HandlerResultError",
        2: "MalformedEventError",
        3: "HandlerResultError",
        4: "HandlerResultError",
    }


# --- what acts by itself


def test_a_process_waits_and_publishes_under_its_own_name() -> None:
    """Seconds to wait, or events to publish, in any order."""
    bus = EventBus()
    kept = seen_by(bus, AlarmRaised, name="siren")

    def gauge() -> Iterator[Any]:
        yield AlarmRaised(1)
        yield 2
        yield AlarmRaised(2)
        yield AlarmRaised(3)
        yield 0.5
        bus.publish(AlarmRaised(4))  # a process may hold the bus, too

    bus.process("gauge", gauge())
    bus.run()
    assert [(m.data.level, m.source, m.time) for m in bus.trace.messages] == [
        (1, "gauge", 0.0),
        (2, "gauge", 2.0),
        (3, "gauge", 2.0),
        (4, "checkout", 2.5),
    ]
    assert [event.level for event in kept] == [1, 2, 3, 4]
    assert [m.id for m in bus.trace.messages] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("bad", [-1, float("nan"), True, None, "text", AlarmRaised, RiverRose("high"), CloseGate("x")])
def test_a_process_that_yields_nonsense_ends_the_run_and_itself_alone(bad: object) -> None:
    """Whoever runs the bus is told; the others go on with the next run."""
    bus = EventBus()
    kept = seen_by(bus, AlarmRaised, name="siren")
    bus.process("broken", iter([AlarmRaised(1), bad, AlarmRaised(9)]))
    bus.process("sound", iter([1.0, AlarmRaised(2)]))
    with pytest.raises(EdaLabError):
        bus.run()
    bus.run()
    assert [event.level for event in kept] == [1, 2]


@pytest.mark.parametrize("bad", [[1.0], nothing, None, 5])
def test_what_is_no_generator_cannot_be_a_process(bad: Any) -> None:
    """A list, a function that yields nothing, or no function at all."""
    bus = EventBus()
    with pytest.raises(HandlerError, match="generator"):
        bus.process("gauge", bad)
    bus.process("gauge", iter([]))
