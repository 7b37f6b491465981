"""Deliveries and dead letters on the plain bus: what a handler may know of its event, and what became of failures."""

from collections.abc import Callable
from typing import Any

from eda_lab import Consumer, DeadLetter, Delivery, DirectBus, Event, handles


class TeaOrdered(Event):
    """Somebody wants tea."""

    cups: int = 1


class GreenTeaOrdered(TeaOrdered):
    """Somebody wants green tea."""


def failing(error: BaseException) -> Callable[[Any], None]:
    """Return a handler that raises."""

    def fail(_: Any) -> None:
        raise error

    return fail


def test_a_handler_that_asks_for_it_gets_the_delivery() -> None:
    """With the type under which it was published, be it a topic."""
    bus, deliveries = DirectBus(source="counter"), []
    bus.subscribe("*_ordered", lambda _, delivery: deliveries.append(delivery), name="till")
    bus.publish("cake_ordered", {"slices": 2})
    bus.publish(GreenTeaOrdered())
    assert [type(delivery) for delivery in deliveries] == [Delivery, Delivery]
    first, second = (delivery.message for delivery in deliveries)
    assert (first.type, first.source, first.data) == ("cake_ordered", "counter", {"slices": 2})
    assert (second.type, second.data) == ("green_tea_ordered", GreenTeaOrdered())
    assert first.id != second.id
    assert bus.sources == ("counter",)
    assert (deliveries[0].consumer, deliveries[0].group, deliveries[0].attempt) == ("till", "till", 1)


def test_a_consumer_remembers_what_it_did_and_finds_the_method_by_topic_too() -> None:
    """The bus builds it once."""
    orders: list[tuple[int, Any]] = []

    class Waiter(Consumer):
        def __init__(self) -> None:
            self.walks = 0

        @handles((TeaOrdered, "cake_ordered"))
        def serve(self, order: Any) -> None:
            self.walks += 1
            orders.append((self.walks, order))

    bus = DirectBus()
    bus.subscribe(Waiter.listens_to, Waiter)
    assert all(bus.publish(*event).ok for event in [(TeaOrdered(),), ("cake_ordered", 2), (GreenTeaOrdered(),)])
    assert orders == [(1, TeaOrdered()), (2, 2), (3, GreenTeaOrdered())]


def test_a_repaired_handler_gets_what_failed_again() -> None:
    """Under its name; what fails once more is a dead letter again, of the same message."""
    bus, served = DirectBus(), []
    broken = bus.subscribe(TeaOrdered, failing(ConnectionError()), name="kettle")
    for cups in (1, 2, 3):
        bus.publish(TeaOrdered(cups))
    ids = [letter.message.id for letter in bus.dead_letters()]
    assert bus.redrive("kettle", lambda letter: letter.message.data.cups == 2) == 1
    assert [letter.message.data.cups for letter in bus.dead_letters("kettle")] == [1, 3, 2]
    assert sorted(letter.message.id for letter in bus.dead_letters()) == sorted(ids)

    broken.unsubscribe()
    assert len(bus.dead_letters("kettle")) == 3
    bus.subscribe(TeaOrdered, served.append, name="kettle")
    assert bus.redrive("kettle") == 3
    assert served == [TeaOrdered(1), TeaOrdered(3), TeaOrdered(2)]
    assert bus.dead_letters() == []
    assert bus.redrive("kettle") == 0
    assert len(bus.failures) == 4
    assert all(isinstance(letter, DeadLetter) for letter in bus.failures)
