"""Wrong answers to exercise 09-test, tests that are blind to a fault: its check must refuse them all.

`everything` is a right test, of parts; each answer here leaves a part out, or spoils it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eda_lab.bus import EventBus
from eda_lab.delivery import Retry
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.faults import Faults
from eda_lab.orders import OrderPlaced, PaymentCaptured, example_order
from eda_lab.testing import Search, find_failing

__all__ = ["ANSWERS", "ONE", "ORDER", "OTHERS", "PAID", "Open", "after", "everything", "searched"]

ORDER, PAID, OTHERS = example_order(), PaymentCaptured("12345", 5000), PaymentCaptured("12346", 700)
ONE = [Parcel("12345", "USER001")]
Open = Callable[..., Any]


def after(open_shipping: Open, *events: Any) -> ParcelDesk:
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    for event in events:
        shipping(event)
    return desk


def repeats(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (ORDER, PAID, ORDER), (ORDER, ORDER, PAID)):
        assert after(open_shipping, *events).parcels == ONE


def both_orders(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (PAID, ORDER)):
        assert after(open_shipping, *events).parcels == ONE


def early(open_shipping: Open) -> None:
    assert not after(open_shipping, ORDER).parcels
    assert not after(open_shipping, ORDER, OTHERS).parcels


def error(open_shipping: Open) -> None:
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(ORDER)
    desk.down = True
    failed = False
    try:
        shipping(PAID)
    except ConnectionError:
        failed = True
    assert failed
    desk.down = False
    shipping(PAID)
    assert desk.parcels == ONE


def everything(open_shipping: Open) -> None:
    repeats(open_shipping)
    both_orders(open_shipping)
    early(open_shipping)
    error(open_shipping)


def searched(open_shipping: Open, **options: Any) -> Search:
    """Try a shipping on a bus, with these options of its subscription."""

    def scenario(faults: Faults) -> tuple[EventBus, ParcelDesk]:
        bus, desk = EventBus(faults=faults), ParcelDesk()
        bus.subscribe((OrderPlaced, PaymentCaptured), open_shipping(desk), name="shipping", **options)
        bus.publish(ORDER)
        bus.publish(PAID, at=1.0)
        return bus, desk

    return find_failing(scenario, lambda desk: desk.parcels == ONE, most=1)


def _nothing(open_shipping: Open) -> None:
    pass


def _twice(open_shipping: Open) -> None:
    assert after(open_shipping, ORDER, PAID).parcels == ONE
    assert after(open_shipping, ORDER, PAID).parcels == ONE


def _fails_always(open_shipping: Open) -> None:
    raise AssertionError("buggy")


def _no_repeat(open_shipping: Open) -> None:
    both_orders(open_shipping)
    early(open_shipping)
    error(open_shipping)


def _no_other_order(open_shipping: Open) -> None:
    repeats(open_shipping)
    early(open_shipping)
    error(open_shipping)


def _no_error(open_shipping: Open) -> None:
    repeats(open_shipping)
    both_orders(open_shipping)
    early(open_shipping)


def _only_the_payment_repeated(open_shipping: Open) -> None:
    assert after(open_shipping, ORDER, PAID, PAID).parcels == ONE
    assert after(open_shipping, ORDER, ORDER, PAID).parcels == ONE
    both_orders(open_shipping)
    early(open_shipping)
    error(open_shipping)


def _no_repeat_before_the_payment(open_shipping: Open) -> None:
    for events in ((ORDER, PAID, PAID), (ORDER, PAID, ORDER)):
        assert after(open_shipping, *events).parcels == ONE
    both_orders(open_shipping)
    early(open_shipping)
    error(open_shipping)


def _only_the_end(open_shipping: Open) -> None:
    repeats(open_shipping)
    both_orders(open_shipping)
    error(open_shipping)


def _only_its_own_order(open_shipping: Open) -> None:
    _only_the_end(open_shipping)
    assert not after(open_shipping, ORDER).parcels


def _always_paid_first(open_shipping: Open) -> None:
    for events in ((PAID, ORDER, PAID, ORDER), (PAID, PAID, ORDER)):
        assert after(open_shipping, *events).parcels == ONE
    early(open_shipping)
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(PAID)
    desk.down = True
    with suppress(ConnectionError):
        shipping(ORDER)
        desk.down = False
    assert desk.down
    desk.down = False
    for event in (ORDER, PAID, ORDER):
        shipping(event)
    assert desk.parcels == ONE


def _only_that_it_raises(open_shipping: Open) -> None:
    _no_error(open_shipping)
    desk = ParcelDesk()
    desk.down = True
    shipping = open_shipping(desk)
    shipping(ORDER)
    with suppress(ConnectionError):
        shipping(PAID)
        raise AssertionError("swallowed")


def _only_the_next_attempt(open_shipping: Open) -> None:
    _no_error(open_shipping)
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(ORDER)
    desk.down = True
    with suppress(ConnectionError):
        shipping(PAID)
    desk.down = False
    shipping(PAID)
    assert desk.parcels == ONE


def _at_least_one(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (PAID, ORDER)):
        assert after(open_shipping, *events).parcels
    error(open_shipping)


def _at_most_one(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (ORDER, PAID, ORDER), (PAID, ORDER)):
        assert len(after(open_shipping, *events).parcels) <= 1


def _only_counts(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (ORDER, PAID, ORDER), (PAID, ORDER)):
        assert len(after(open_shipping, *events).parcels) == 1
    assert not after(open_shipping, ORDER).parcels


def _asserts_inside_its_own_except(open_shipping: Open) -> None:
    _no_error(open_shipping)
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    shipping(ORDER)
    desk.down = True
    try:
        shipping(PAID)
        raise AssertionError("swallowed")
    except Exception:  # noqa: BLE001 - the mistake of this answer
        desk.down = False
    shipping(PAID)
    assert desk.parcels == ONE


def _searches_for_the_end_alone(open_shipping: Open) -> None:
    assert searched(open_shipping, retry=Retry()).passed


ANSWERS = (
    _nothing,
    _twice,
    _fails_always,
    _no_repeat,
    _no_other_order,
    _no_error,
    _only_the_payment_repeated,
    _no_repeat_before_the_payment,
    _only_the_end,
    _only_its_own_order,
    _always_paid_first,
    _only_that_it_raises,
    _only_the_next_attempt,
    _at_least_one,
    _at_most_one,
    _only_counts,
    _asserts_inside_its_own_except,
    _searches_for_the_end_alone,
)
