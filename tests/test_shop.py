"""The order example: one order, five services, each by itself; on the plain bus and in the lab."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_lab import DirectBus, EventBus, Item, OrderPlaced, Shop, example_order, make_order, open_shop
from eda_lab.effects import Charge, Mail, Parcel
from eda_lab.orders import ConfirmationSent, OrderCounted, PaymentCaptured, ShippingRequested, StockReserved
from eda_lab.shop import TAKES, OutOfStockError, checkout, in_sequence

BUSES = pytest.mark.parametrize("bus_class", [DirectBus, EventBus])
FIVE_EVENTS = [
    StockReserved("12345"),
    PaymentCaptured("12345", 5000),
    ConfirmationSent("12345"),
    ShippingRequested("12345"),
    OrderCounted("12345", 5000),
]
ALL_DONE = {
    "pieces reserved": 2,
    "cards charged": 1,
    "e-mails sent": 1,
    "parcels requested": 1,
    "orders counted": 1,
}


def outside(shop: Shop) -> tuple[Any, ...]:
    """Return all that a shop did to the world outside."""
    tables = {name: dict(shop.db.table(name)) for name in ("stock", "analytics")}
    return tables, shop.card.charges, shop.mail.sent, shop.parcels.parcels


def test_the_order_is_the_one_that_the_course_begins_with() -> None:
    """Number 12345 of customer USER001: 2 x PROD1, at 25 each."""
    order = example_order()
    assert order == OrderPlaced("12345", "USER001", (Item("PROD1", 2, 2500),)) == make_order(1)
    assert order.total_cents == 5000
    assert [(make_order(n).order_id, make_order(n).customer_id) for n in (2, 100)] == [
        ("12346", "USER002"),
        ("12444", "USER100"),
    ]


ITEMS = st.builds(Item, st.sampled_from(["A", "B", "C"]), st.integers(1, 5), st.integers(0, 10**12))
ORDERS = st.builds(OrderPlaced, st.uuids().map(str), st.just("USER001"), st.lists(ITEMS, max_size=4).map(tuple))


def test_an_order_costs_the_sum_of_its_lines() -> None:
    """In whole cents; an order without lines costs nothing."""
    assert OrderPlaced("1", "u", (Item("A", 3, 199), Item("B", 1, 10**12), Item("A", 2, 0))).total_cents == 10**12 + 597
    assert OrderPlaced("1", "u", ()).total_cents == 0


@BUSES
def test_five_services_react_to_one_order(bus_class: Any) -> None:
    """The checkout says it once, and knows none of them."""
    bus = bus_class()
    shop = open_shop(bus)
    checkout(bus, example_order())
    bus.settle()
    assert shop.done == ALL_DONE
    assert outside(shop) == (
        {"stock": {"PROD1": 98}, "analytics": {"orders": 1, "cents": 5000}},
        [Charge("12345", 5000)],
        [Mail("USER001", "Your order 12345")],
        [Parcel("12345", "USER001")],
    )
    assert bus.dead_letters() == []


def test_in_the_lab_each_service_takes_its_own_time() -> None:
    """All begin at once; the slowest decides when the order is through."""
    bus = EventBus()
    open_shop(bus)
    bus.publish(example_order())
    bus.run()
    assert {delivery.group: delivery.ended_at for delivery in bus.trace.deliveries} == TAKES
    assert bus.clock.now == max(TAKES.values()) == 0.5
    assert len(bus.trace.messages) == 1


def test_called_one_after_the_other_they_take_the_sum_and_do_the_same() -> None:
    """The checkout that calls the services by itself, as a handler in the lab."""
    bus, shop = EventBus(), Shop()
    bus.subscribe(OrderPlaced, in_sequence(shop), name="checkout")
    bus.publish(example_order())
    bus.run()
    assert shop.done == ALL_DONE
    assert bus.clock.now == pytest.approx(sum(TAKES.values()))


@BUSES
def test_in_a_chain_each_says_what_it_did(bus_class: Any) -> None:
    """Five events in turn, for others to react to; without `chain` there are none."""
    for chain in (True, False):
        bus, said = bus_class(), []
        shop = open_shop(bus, chain=chain)
        bus.subscribe(tuple(type(event) for event in FIVE_EVENTS), said.append, name="listener")
        bus.publish(example_order())
        bus.settle()
        assert sorted(said, key=repr) == sorted(FIVE_EVENTS if chain else [], key=repr)
        assert shop.done == ALL_DONE


def test_the_five_events_have_the_order_as_their_cause() -> None:
    """Each from the service that did it, at the second when it had done it."""
    bus = EventBus()
    open_shop(bus, chain=True)
    placed = bus.publish(example_order())
    bus.run()
    caused = bus.trace.messages[1:]
    assert {(message.source, message.time) for message in caused} == set(TAKES.items())
    assert {(message.causation_id, message.correlation_id) for message in caused} == {(placed.id, placed.id)}
    by_service = {message.source: message.data for message in caused}
    assert [by_service[service] for service in TAKES] == FIVE_EVENTS


def test_what_was_done_can_be_held_against_what_the_orders_need() -> None:
    """An order that was published twice needs its work once; a service that is not open owes nothing."""
    bus = EventBus()
    shop = open_shop(bus, services={"inventory": 1, "email": 1})
    for order in (make_order(1), make_order(2), make_order(1)):
        bus.publish(order)
    assert shop.needs(bus.trace) == {"pieces reserved": 4, "e-mails sent": 2}
    assert {what: shop.done[what] for what in shop.needs(bus.trace)} == {"pieces reserved": 0, "e-mails sent": 0}
    bus.run()
    assert {what: shop.done[what] for what in shop.needs(bus.trace)} == {"pieces reserved": 6, "e-mails sent": 3}


# --- independence


BREAK: dict[str, Callable[[Shop], Any]] = {
    "payment": lambda shop: setattr(shop.card, "limit_cents", 4999),
    "email": lambda shop: setattr(shop.mail, "down", True),
    "shipping": lambda shop: setattr(shop.parcels, "down", True),
}


@BUSES
@pytest.mark.parametrize("broken", ["email", "payment", "shipping"])
def test_with_one_service_broken_the_other_four_are_untouched(bus_class: Any, broken: str) -> None:
    """They did what they would have done anyway, to the last cent, and in the lab at the same instant."""
    runs = []
    for breaks in (False, True):
        bus = bus_class()
        shop = open_shop(bus)
        if breaks:
            BREAK[broken](shop)
        bus.publish(example_order())
        bus.settle()
        ended = {d.group: d.ended_at for d in bus.trace.deliveries} if isinstance(bus, EventBus) else {}
        runs.append((outside(shop), ended, [letter.group for letter in bus.dead_letters()]))
    (whole, ended, nobody), (partly, ended_too, failed) = runs
    assert (nobody, failed) == ([], [broken])
    assert ended == ended_too
    differs = [place for place, (one, other) in enumerate(zip(whole, partly, strict=True)) if one != other]
    assert differs == [{"payment": 1, "email": 2, "shipping": 3}[broken]]
    assert partly[differs[0]] == []


@BUSES
def test_a_service_that_is_back_catches_up_by_a_redrive(bus_class: Any) -> None:
    """Nothing was lost meanwhile."""
    bus = bus_class()
    shop = open_shop(bus)
    BREAK["email"](shop)
    for n in (1, 2, 3):
        bus.publish(make_order(n))
    bus.settle()
    assert shop.done["e-mails sent"] == 0
    assert {letter.error for letter in bus.dead_letters("email")} == {"ConnectionError: the mail server is down"}
    shop.mail.down = False
    assert bus.redrive("email") == 3
    bus.settle()
    assert [mail.to for mail in shop.mail.sent] == ["USER001", "USER002", "USER003"]
    assert set(shop.done.values()) == {3, 6}


# --- stock


def test_an_order_for_more_than_there_is_takes_nothing() -> None:
    """All of its lines or none, and the error says what was missing."""
    shop = Shop(stock={"A": 5, "B": 1})
    with pytest.raises(OutOfStockError, match="2 x B were ordered, but 1 are left") as caught:
        shop.reserve_stock(OrderPlaced("1", "u", (Item("A", 5), Item("B", 2))))
    assert (caught.value.sku, caught.value.wanted, caught.value.left) == ("B", 2, 1)
    assert dict(shop.db.table("stock")) == {"A": 5, "B": 1}
    with pytest.raises(OutOfStockError, match="1 x C were ordered, but 0 are left"):
        shop.reserve_stock(OrderPlaced("2", "u", (Item("C", 1),)))
    assert shop.reserve_stock(OrderPlaced("3", "u", (Item("A", 5), Item("B", 1)))) == StockReserved("3")
    assert shop.done["pieces reserved"] == 6


@settings(deadline=None)
@given(st.lists(ORDERS, max_size=12), st.fixed_dictionaries({sku: st.integers(0, 12) for sku in "AB"}))
def test_the_stock_is_what_was_there_less_what_was_reserved(orders: list[OrderPlaced], stock: dict[str, int]) -> None:
    """Held against a count by hand: an order that needs more than is left is turned away as a whole."""
    bus = DirectBus()
    shop = open_shop(bus, shop=Shop(stock))
    left, turned_away = dict(stock), []
    for order in orders:
        needs = {sku: sum(item.quantity for item in order.items if item.sku == sku) for sku in "ABC"}
        if all(left.get(sku, 0) >= pieces for sku, pieces in needs.items()):
            left = {sku: left[sku] - needs[sku] for sku in left}
        else:
            turned_away.append(order.order_id)
        bus.publish(order)
    assert dict(shop.db.table("stock")) == left
    assert [letter.message.data.order_id for letter in bus.dead_letters("inventory")] == turned_away
    assert shop.done["orders counted"] == len(orders)
    assert shop.card.balance_cents == sum(order.total_cents for order in orders)


def test_a_part_of_the_shop_can_be_opened() -> None:
    """With times of its own."""
    bus = EventBus()
    shop = open_shop(bus, services={"email": 2.0, "shipping": 0.5})
    bus.publish(example_order())
    bus.run()
    assert {delivery.group: delivery.ended_at for delivery in bus.trace.deliveries} == {"email": 2.0, "shipping": 0.5}
    assert shop.done == ALL_DONE | {"pieces reserved": 0, "cards charged": 0, "orders counted": 0}
