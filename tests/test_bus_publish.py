"""Publishing in the lab: who gets a copy, when, under which id, and what is refused at the call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from eda_lab import Event, EventBus, Message, example_order, open_shop
from eda_lab.errors import DuplicateNameError, MalformedEventError, OptionError


class RiverRose(Event):
    """A fact of its own, so that no other test listens to it."""

    metres: float


def nothing(_: object) -> None:
    """Do nothing."""


def seen_by(bus: EventBus, what: object, **options: Any) -> list[Any]:
    """Subscribe a handler that keeps what it is handed, and return what it keeps."""
    kept: list[Any] = []
    bus.subscribe(what, lambda event: kept.append(event), **options)
    return kept


# --- who gets it, and when


def test_publish_only_queues() -> None:
    """The checkout is done at once; its message says how many will get it; nobody worked yet."""
    bus = EventBus()
    shop = open_shop(bus)
    message = bus.publish(example_order())
    assert isinstance(message, Message)
    assert (message.id, message.source, message.type, message.time) == ("1", "checkout", "order_placed", 0.0)
    assert message.queued_for == 5
    assert (message.correlation_id, message.causation_id) == ("1", None)
    assert {d.outcome for d in bus.trace.deliveries} <= {"queued"}
    assert set(shop.done.values()) == {0}
    bus.run()
    assert shop.done["pieces reserved"] == 2
    assert {d.outcome for d in bus.trace.deliveries} == {"done"}


def test_each_group_gets_its_copy_and_inside_a_group_one_worker_does() -> None:
    """Publish / subscribe between groups, point to point inside one."""
    bus = EventBus()
    email = seen_by(bus, "order_placed", name="email", workers=3)
    first = seen_by(bus, "order_placed", name="packer", group="shipping", takes=1)
    second = seen_by(bus, "order_placed", name="helper", group="shipping", takes=1)
    for n in range(4):
        bus.publish("order_placed", {"n": n})
    bus.run()
    assert sorted(order["n"] for order in email) == [0, 1, 2, 3]
    assert [order["n"] for order in first] == [0, 2]
    assert [order["n"] for order in second] == [1, 3]


def test_patterns_base_classes_and_rerun_cells_get_what_they_mean() -> None:
    """Routing is by name: a class that is defined again keeps the subscribers of the old one."""
    bus = EventBus()

    class LevelMeasured(Event):
        metres: float

    everything, levels = seen_by(bus, "level_*", name="all"), seen_by(bus, LevelMeasured, name="levels")
    old = LevelMeasured

    class LevelMeasured(Event):  # the cell is run again
        metres: float

    class TideMeasured(LevelMeasured):
        moon: str = "new"

    bus.publish(LevelMeasured(1.0))
    bus.publish(old(2.0))
    bus.publish(TideMeasured(3.0))
    bus.run()
    assert [event.metres for event in levels] == [1.0, 2.0, 3.0]
    assert [event.metres for event in everything] == [1.0, 2.0]


@pytest.mark.parametrize(("when", "due"), [({"at": 5}, 5.0), ({"delay": 2.5}, 3.5), ({"at": 1.0}, 1.0), ({}, 1.0)])
def test_something_may_be_published_later(when: dict[str, float], due: float) -> None:
    """At a second of the run, or after a while; who listens is found out then."""
    bus = EventBus()
    bus.run(until=1)
    message = bus.publish("alarm", {}, **when)
    kept = seen_by(bus, "alarm", name="late")
    bus.run()
    assert message.time == bus.trace.messages[0].time == due
    assert bus.trace.messages[0].id == message.id == "1"
    assert len(kept) == (due > 1)


@pytest.mark.parametrize(
    ("call", "option"),
    [
        (lambda bus: bus.publish("alarm", {}, at=0.5), "at"),
        (lambda bus: bus.publish("alarm", {}, at=float("nan")), "at"),
        (lambda bus: bus.publish("alarm", {}, at=1e300), "at"),
        (lambda bus: bus.publish("alarm", {}, delay=-1), "delay"),
        (lambda bus: bus.publish("alarm", {}, delay=True), "delay"),
        (lambda bus: bus.publish("alarm", {}, at=5, delay=1), "delay"),
        (lambda bus: bus.publish("an alarm", {}), "topic"),
        (lambda bus: bus.run(until=-1), "until"),
        (lambda bus: bus.run(until=float("inf")), "until"),
        (lambda bus: bus.run(max_events=-1), "max_events"),
        (lambda bus: bus.run(max_events=1.0), "max_events"),
        (lambda bus: bus.run(max_events=True), "max_events"),
        (lambda bus: bus.subscribe("alarm", nothing, worker=2), "worker"),
        (lambda bus: bus.subscribe("alarm", nothing, workers=0), "workers"),
        (lambda bus: bus.subscribe("alarm", nothing, workers=True), "workers"),
        (lambda bus: bus.subscribe("alarm", nothing, takes=-0.1), "takes"),
        (lambda bus: bus.subscribe("alarm", nothing, takes=float("nan")), "takes"),
        (lambda bus: bus.subscribe("alarm", nothing, retry=3), "retry"),
        (lambda bus: bus.dead_letters("nobody"), "group"),
        (lambda bus: bus.redrive("nobody"), "group"),
    ],
)
def test_bad_input_is_refused_at_the_call_and_changes_nothing(call: Callable[[EventBus], object], option: str) -> None:
    """One line names the option; the bus is as it was."""
    bus = EventBus()
    kept = seen_by(bus, "alarm", name="bell")
    bus.run(until=1)
    with pytest.raises(OptionError) as caught:
        call(bus)
    assert caught.value.option == option
    assert "\n" not in str(caught.value)
    assert (bus.clock.now, bus.clock.has_work(), len(bus.columns.log), len(bus.trace.groups)) == (1.0, False, 0, 1)
    bus.publish("alarm", {})
    bus.run()
    assert len(kept) == 1


def test_a_name_is_taken_once() -> None:
    """By a subscription as by a process; after `unsubscribe` it is free again, and only its holder can leave it."""
    bus = EventBus()
    first = bus.subscribe("alarm", nothing, name="bell")
    with pytest.raises(DuplicateNameError, match="bell"):
        bus.subscribe("alarm", nothing, name="bell")
    first.unsubscribe()
    second = bus.subscribe("alarm", nothing, name="bell")
    first.unsubscribe()
    bus.publish("alarm", {})
    bus.run()
    assert bus.trace.deliveries[0].outcome == "done"
    assert [group.name for group in bus.trace.groups] == [second.name]
    with pytest.raises(OptionError, match="left the bus"):
        first.scale(3)
    bus.process("river", iter([1.0]))
    with pytest.raises(DuplicateNameError, match="river"):
        bus.process("river", iter([1.0]))
    with pytest.raises(OptionError, match="listens to alarm"):
        bus.subscribe("other", nothing, name="second bell", group="bell")


def test_the_65_537th_group_is_refused() -> None:
    """A column holds the number of a name in two bytes; what does not fit is said, not wrapped around."""
    bus = EventBus()
    bus.columns.groups.extend(map(str, range(65_535)))
    bus.columns.workers.extend([] for _ in range(65_535))
    bus.subscribe("alarm", nothing, name="last")
    with pytest.raises(OptionError, match="65,536"):
        bus.subscribe("alarm", nothing, name="one more")
    bus.publish("alarm", {})
    bus.columns.types.extend(map(str, range(65_535)))
    with pytest.raises(OptionError, match="65,536"):
        bus.publish("another_type", {})
    bus.run()
    assert bus.trace.deliveries[0].group == "last"


# --- the wire


def test_the_lab_hands_on_what_a_wire_would_and_refuses_what_it_would() -> None:
    """Each handler gets the copy that came out, with the types that its class names; 'wire=False' leaves that out."""
    bus, local = EventBus(), EventBus(wire=False)
    event = RiverRose(7)  # an int where a float is due: JSON has one kind of number
    for each, checked in ((bus, True), (local, False)):
        kept = seen_by(each, RiverRose, name="gauge")
        each.publish(event)
        each.run()
        assert (type(kept[0].metres) is float, kept[0] is event) == (checked, not checked)
    with pytest.raises(MalformedEventError) as caught:
        bus.publish(RiverRose("high"))
    assert caught.value.path == "$.metres"
    assert len(bus.trace.messages) == 1


def test_plain_dataclasses_and_dictionaries_are_handed_on_as_they_are() -> None:
    """The classic example's event does not fit its own annotation, and still runs."""

    @dataclass
    class GaugeRead:
        metres: list[dict[str, int]]

    bus = EventBus()
    kept = seen_by(bus, GaugeRead, name="gauge"), seen_by(bus, "note", name="notes")
    event, note = GaugeRead([{"item": "PROD1"}]), {"text": "hello"}
    bus.publish(event)
    bus.publish("note", note)
    bus.run()
    assert kept[0][0] is event
    assert kept[1][0] is note
