"""Exercise 13-evolve, more wrong answers: they check once more what has happened, or remember something for themselves.

Each gets the plain histories right, and is caught by one that is rare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eda_lab.course.exercises.evolve_wrong import STATUS, right
from eda_lab.order_history import ItemAdded, ItemRemoved, Order, OrderCancelled
from eda_lab.order_history import evolve as shops_own
from eda_lab.orders import Item, OrderPlaced

__all__ = ["ANSWERS"]

State = dict[str, Any]
Evolve = Callable[[State, Any], State]
NEW: State = {"status": "new", "pieces": {}, "total_cents": 0, "paid_cents": 0}


def _refuses_to_remove_what_is_not_there(order: State, event: Any) -> State:
    if isinstance(event, ItemRemoved) and event.item.quantity > order["pieces"].get(event.item.sku, 0):
        raise ValueError("there are not so many")
    return right(order, event)


def _refuses_to_pay_back_more_than_was_paid(order: State, event: Any) -> State:
    if isinstance(event, OrderCancelled) and event.refund_cents > order["paid_cents"]:
        raise ValueError("that is more than was paid")
    return right(order, event)


def _pays_back_what_was_paid_at_most(order: State, event: Any) -> State:
    after = right(order, event)
    return {**after, "paid_cents": max(0, after["paid_cents"])}


def _refuses_a_second_placing(order: State, event: Any) -> State:
    if isinstance(event, OrderPlaced) and order["status"] != "new":
        raise ValueError("it was placed before")
    return right(order, event)


def _ignores_a_second_placing(order: State, event: Any) -> State:
    return order if isinstance(event, OrderPlaced) and order["status"] != "new" else right(order, event)


def _adds_a_second_placing(order: State, event: Any) -> State:
    if not isinstance(event, OrderPlaced):
        return right(order, event)
    for item in event.items:
        order = right(order, ItemAdded(event.order_id, item))
    return {**order, "status": "placed"}


def _refuses_what_comes_before_the_placing(order: State, event: Any) -> State:
    if order["status"] == "new" and type(event) in STATUS and not isinstance(event, OrderPlaced):
        raise ValueError("there is no such order")
    return right(order, event)


def _ignores_what_comes_before_the_placing(order: State, event: Any) -> State:
    return order if order["status"] == "new" and not isinstance(event, OrderPlaced) else right(order, event)


def _interrupts(order: State, event: Any) -> State:
    raise KeyboardInterrupt


def _gives_the_shops_own_order(order: State, event: Any) -> State:
    return shops_own(Order(), event)  # type: ignore[return-value]


def _takes_two_lines(order: State, event: Any) -> State:
    if isinstance(event, OrderPlaced):
        event = OrderPlaced(event.order_id, event.customer_id, event.items[:2])
    return right(order, event)


def _knows_the_price_of_one_article(order: State, event: Any) -> State:
    if isinstance(event, (ItemAdded, ItemRemoved)) and event.item.sku == "PROD2":
        event = type(event)(event.order_id, Item("PROD2", event.item.quantity, 900))
    return right(order, event)


def _remembers_prices() -> Evolve:
    known: dict[tuple[str, str], int] = {}

    def remembers_prices(order: State, event: Any) -> State:
        if isinstance(event, (ItemAdded, ItemRemoved)):
            item = event.item
            cents = known.setdefault((event.order_id, item.sku), item.unit_price_cents)
            event = type(event)(event.order_id, Item(item.sku, item.quantity, cents))
        return right(order, event)

    return remembers_prices


def _skips_the_event_it_had_last() -> Evolve:
    last: list[Any] = [None]

    def skips_the_event_it_had_last(order: State, event: Any) -> State:
        if event is last[0]:
            return order
        last[0] = event
        return right(order, event)

    return skips_the_event_it_had_last


def _changes_what_it_returned_before() -> Evolve:
    kept: list[State] = []

    def changes_what_it_returned_before(order: State, event: Any) -> State:
        after = dict(right(order, event))
        for earlier in kept[-5:]:
            if earlier is not order:
                earlier["status"] = after["status"]
        kept.append(after)
        return after

    return changes_what_it_returned_before


def _looks_the_order_up() -> Evolve:
    """Keep the shop's own order for each one that it returned."""
    known = {repr(NEW): Order()}

    def looks_the_order_up(order: State, event: Any) -> State:
        own = shops_own(known[repr(order)], event)
        pieces: dict[str, int] = {}
        for item in own.items:
            pieces[item.sku] = pieces.get(item.sku, 0) + item.quantity
        after = {
            "status": own.status,
            "pieces": pieces,
            "total_cents": own.total_cents,
            "paid_cents": own.paid_cents,
        }
        known[repr(after)] = own
        return after

    return looks_the_order_up


ANSWERS = (
    _refuses_to_remove_what_is_not_there,
    _refuses_to_pay_back_more_than_was_paid,
    _pays_back_what_was_paid_at_most,
    _refuses_a_second_placing,
    _ignores_a_second_placing,
    _adds_a_second_placing,
    _refuses_what_comes_before_the_placing,
    _ignores_what_comes_before_the_placing,
    _interrupts,
    _gives_the_shops_own_order,
    _takes_two_lines,
    _knows_the_price_of_one_article,
    _remembers_prices(),
    _skips_the_event_it_had_last(),
    _changes_what_it_returned_before(),
    _looks_the_order_up(),
)
