"""Exercise 09-test, the shipping services that a test is tried on: right ones, the three buggy ones, and more of those.

Each is a function of the parcel desk and of a database of its own, and returns a handler for both events.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eda_lab.database import Database
from eda_lab.effects import ParcelDesk
from eda_lab.orders import OrderPlaced, PaymentCaptured, ShippingRequested

__all__ = ["BUGGY", "MORE", "RIGHT", "Event", "Open", "Opened"]

Event = OrderPlaced | PaymentCaptured
Opened = Callable[[Event], Any]
Open = Callable[[ParcelDesk, Database], Opened]


def _note(db: Database, event: Event) -> tuple[str, str] | None:
    """Note an event; return order and customer once the order was placed and is paid."""
    with db.transaction() as tables:
        tables["placed" if isinstance(event, OrderPlaced) else "paid"][event.order_id] = event
        order = tables["placed"].get(event.order_id)
        return (order.order_id, order.customer_id) if order and event.order_id in tables["paid"] else None


def _with_key(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> Any:
        ready = _note(db, event)
        if ready is None:
            return None
        desk.request(*ready, key=ready[0])
        return ShippingRequested(ready[0])

    return shipping


def _with_a_mark_and_a_key(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> Any:
        ready = _note(db, event)
        if ready is None or ready[0] in db.table("asked"):
            return []
        desk.request(*ready, key=f"parcel of {ready[0]}")
        with db.transaction() as tables:
            tables["asked"][ready[0]] = True
        return [ShippingRequested(ready[0])]

    return shipping


def _with_notes_in_memory(desk: ParcelDesk, db: Database) -> Opened:
    waiting: dict[str, set[str]] = {}
    customers: dict[str, str] = {}

    def shipping(event: Event) -> None:
        kinds = waiting.setdefault(event.order_id, {"order_placed", "payment_captured"})
        if isinstance(event, OrderPlaced):
            customers[event.order_id] = event.customer_id
        kinds.discard("order_placed" if isinstance(event, OrderPlaced) else "payment_captured")
        if not kinds:
            desk.request(event.order_id, customers[event.order_id], key=f"order {event.order_id}")
            kinds.add("nothing more")

    return shipping


def _careless_at(kind: type) -> Open:
    """Return what opens one that asks for a second parcel when an event of this kind is repeated."""

    def open_shipping(desk: ParcelDesk, db: Database) -> Opened:
        def shipping(event: Event) -> None:
            ready = _note(db, event)
            if ready and (isinstance(event, kind) or ready[0] not in db.table("asked")):
                desk.request(*ready)
                with db.transaction() as tables:
                    tables["asked"][ready[0]] = True

        return shipping

    return open_shipping


def _payment_first(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        ready = _note(db, event)
        if ready and isinstance(event, PaymentCaptured):
            desk.request(*ready, key=ready[0])

    return shipping


def _error_swallowed(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        ready = _note(db, event)
        if ready:
            with suppress(ConnectionError):
                desk.request(*ready, key=ready[0])

    return shipping


def _payment_first_to_nobody(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        ready = _note(db, event)
        if isinstance(event, PaymentCaptured):
            desk.request(event.order_id, ready[1] if ready else "", key=event.order_id)

    return shipping


def _payment_first_raises(desk: ParcelDesk, db: Database) -> Opened:
    customers: dict[str, str] = {}

    def shipping(event: Event) -> None:
        if isinstance(event, OrderPlaced):
            customers[event.order_id] = event.customer_id
        else:
            desk.request(event.order_id, customers.pop(event.order_id))

    return shipping


def _mark_before_the_call(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        ready = _note(db, event)
        if ready and ready[0] not in db.table("asked"):
            with db.transaction() as tables:
                tables["asked"][ready[0]] = True
            desk.request(*ready, key=ready[0])

    return shipping


def _paid_first_only(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        if isinstance(event, PaymentCaptured):
            _note(db, event)
        elif event.order_id in db.table("paid"):
            desk.request(event.order_id, event.customer_id, key=event.order_id)

    return shipping


def _unpaid(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        _note(db, event)
        order = db.table("placed").get(event.order_id)
        if order:
            desk.request(order.order_id, order.customer_id, key=order.order_id)

    return shipping


def _any_payment(desk: ParcelDesk, db: Database) -> Opened:
    def shipping(event: Event) -> None:
        _note(db, event)
        if db.table("paid"):
            for order in db.table("placed").values():
                desk.request(order.order_id, order.customer_id, key=order.order_id)

    return shipping


def _one_for_each_order_event(desk: ParcelDesk, db: Database) -> Opened:
    waiting: list[OrderPlaced] = []

    def shipping(event: Event) -> None:
        asked, ready = event.order_id in db.table("asked"), _note(db, event)
        if isinstance(event, OrderPlaced) and not asked:
            waiting.append(event)
        if ready and not asked:
            for order in [each for each in waiting if each.order_id == event.order_id]:
                desk.request(order.order_id, order.customer_id)
            with db.transaction() as tables:
                tables["asked"][event.order_id] = True

    return shipping


def _nothing(desk: ParcelDesk, db: Database) -> Opened:
    return lambda event: None


RIGHT: tuple[Open, ...] = (_with_key, _with_a_mark_and_a_key, _with_notes_in_memory)
# The three that a test is to find, each with what its fault is.
BUGGY: dict[Open, str] = {
    _careless_at(PaymentCaptured): "one that asks for a parcel again when a payment is repeated",
    _payment_first: "one that loses the parcel when the payment comes before the order",
    _error_swallowed: "one that swallows the error when the parcel desk is down",
}
MORE: dict[Open, str] = {
    _nothing: "one that does nothing at all",
    _careless_at(OrderPlaced): "one that asks for a parcel again when an order is repeated after its payment",
    _payment_first_to_nobody: "one that sends a parcel to nobody when the payment comes before the order",
    _payment_first_raises: "one that fails when the payment comes before the order, or when it is repeated",
    _mark_before_the_call: "one that notes the parcel first, and then asks for it: after an error it never asks again",
    _paid_first_only: "one that drops an order which comes before its payment",
    _unpaid: "one that asks for the parcel before the order is paid",
    _any_payment: "one that asks for the parcel when another order is paid",
    _one_for_each_order_event: "one that asks for two parcels when an order comes twice before its payment",
}
