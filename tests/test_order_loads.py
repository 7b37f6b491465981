"""The world of the lesson on event sourcing: what each load of an order reads, and an order and its events in words."""

from __future__ import annotations

import pytest

from eda_lab import Command, EventBus, EventStore, Item, Repository
from eda_lab.course import OrderLoads, answers, event_in_words, order_in_words
from eda_lab.errors import OptionError
from eda_lab.order_history import (
    AddItem,
    CancelOrder,
    Order,
    OrderCancelled,
    OrderShipped,
    PayOrder,
    PlaceOrder,
    ShipOrder,
    decide,
    evolve,
)
from eda_lab.orders import PaymentCaptured

PIECE = Item("PROD1", 2)


def desk_of(snapshot_every: int | None, added: int = 6) -> tuple[EventBus, OrderLoads]:
    repository = Repository(EventStore(), decide, evolve, Order(), stream="order", snapshot_every=snapshot_every)
    bus, desk = EventBus(), OrderLoads(repository, "12345", allowed=3)
    bus.subscribe(Command, desk.handle, name="orders")
    commands = [AddItem("12345", PIECE)] * added
    for command in [PlaceOrder("12345", "ADA", (PIECE,)), *commands, PayOrder("12345"), AddItem("12345", PIECE)]:
        bus.publish(command)
    bus.run()
    return bus, desk


def test_without_snapshots_a_load_reads_all_that_is_there() -> None:
    _, desk = desk_of(None)
    assert desk.read == {version: version for version in range(9)}


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_with_snapshots_a_load_reads_what_came_after_the_newest(every: int) -> None:
    _, desk = desk_of(every)
    assert desk.read == {version: version % every for version in range(9)}


@pytest.mark.parametrize(("every", "most"), [(None, 8), (3, 2)])
def test_snapshots_change_what_is_read_and_nothing_else(every: int | None, most: int) -> None:
    bus, desk = desk_of(every)
    kept, wrong, beyond, longest = desk.needs(bus.trace)
    assert desk.needs(bus.trace) == {kept: 8, wrong: 0, beyond: 0, longest: None}
    assert desk.done == {kept: 8, wrong: 0, beyond: max(0, most - 3), longest: most}
    assert len(bus.dead_letters()) == 1  # what was added after the payment


def test_a_state_that_is_not_that_of_the_commands_is_counted() -> None:
    bus, desk = desk_of(None)
    desk.repository.store.append("order-12345", OrderShipped("12345"))
    assert list(desk.done.values())[:2] == [9, 1]
    assert desk.needs(bus.trace)["changes kept"] == 8


def test_an_order_is_read_as_it_was_at_a_version() -> None:
    _, desk = desk_of(5)
    assert desk.state(0)["status"] == "new"
    assert desk.state(2) == {"status": "placed", "items": "4 x PROD1", "total": "100.00", "paid": "0.00"}
    assert desk.state(8) == order_in_words(desk.repository.load("12345").state)
    with pytest.raises(OptionError, match="ends at version 8"):
        desk.state(9)


def test_each_kind_of_event_has_its_words() -> None:
    _, desk = desk_of(None, added=1)
    assert desk.events == [
        "order_placed: 2 x PROD1 at 25.00",
        "item_added: 2 x PROD1 at 25.00",
        "payment_captured: 100.00",
    ]
    assert event_in_words(OrderShipped("1")) == "order_shipped"
    assert event_in_words(OrderCancelled("1", 150)) == "order_cancelled: 1.50 go back"
    assert event_in_words(PaymentCaptured("1", 123456)) == "payment_captured: 1,234.56"


def test_what_would_be_decided_changes_nothing() -> None:
    order = Order("12345", "ADA", (PIECE,), "paid", 5000)
    table = answers(order, AddItem("12345", PIECE), ShipOrder("12345"), CancelOrder("12345"))
    assert table.column("decide says") == ["refused, for it is paid", "order_shipped", "order_cancelled: 50.00 go back"]
    assert order == Order("12345", "ADA", (PIECE,), "paid", 5000)
