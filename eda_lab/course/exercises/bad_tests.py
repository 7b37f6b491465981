"""Wrong answers to exercise 09-test, tests that somebody would write: its check must refuse them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.orders import PaymentCaptured, ShippingRequested, example_order

__all__ = ["ANSWERS"]

ORDER, PAID = example_order(), PaymentCaptured("12345", 5000)
ONE = [Parcel("12345", "USER001")]
Open = Callable[..., Any]


def _after(open_shipping: Open, *events: Any) -> ParcelDesk:
    desk = ParcelDesk()
    shipping = open_shipping(desk)
    for event in events:
        shipping(event)
    return desk


def _repeats(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (ORDER, PAID, ORDER)):
        assert _after(open_shipping, *events).parcels == ONE


def _order(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (PAID, ORDER)):
        assert _after(open_shipping, *events).parcels == ONE


def _error(open_shipping: Open) -> None:
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


def _all(open_shipping: Open) -> None:
    """Do what is right; each answer below spoils it."""
    _repeats(open_shipping)
    _order(open_shipping)
    _error(open_shipping)


def _nothing(open_shipping: Open) -> None:
    pass


def _twice(open_shipping: Open) -> None:
    assert _after(open_shipping, ORDER, PAID).parcels == ONE
    assert _after(open_shipping, ORDER, PAID).parcels == ONE


def _fails_always(open_shipping: Open) -> None:
    raise AssertionError("buggy")


def _no_repeat(open_shipping: Open) -> None:
    _order(open_shipping)
    _error(open_shipping)


def _no_other_order(open_shipping: Open) -> None:
    _repeats(open_shipping)
    _error(open_shipping)


def _no_error(open_shipping: Open) -> None:
    _repeats(open_shipping)
    _order(open_shipping)


def _only_the_payment_repeated(open_shipping: Open) -> None:
    assert _after(open_shipping, ORDER, PAID, PAID).parcels == ONE
    _order(open_shipping)
    _error(open_shipping)


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
        assert _after(open_shipping, *events).parcels
    _error(open_shipping)


def _at_most_one(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (ORDER, PAID, ORDER), (PAID, ORDER)):
        assert len(_after(open_shipping, *events).parcels) <= 1


def _only_counts(open_shipping: Open) -> None:
    for events in ((ORDER, PAID), (ORDER, PAID, PAID), (ORDER, PAID, ORDER), (PAID, ORDER)):
        assert len(_after(open_shipping, *events).parcels) == 1
    assert not _after(open_shipping, ORDER).parcels


def _errors_caught(open_shipping: Open) -> None:
    with suppress(Exception):
        _all(open_shipping)


def _returns_false(open_shipping: Open) -> bool:
    try:
        _all(open_shipping)
    except (AssertionError, KeyError):
        return False
    return True


def _by_what_it_returns(open_shipping: Open) -> None:
    _all(open_shipping)
    shipping = open_shipping(ParcelDesk())
    shipping(ORDER)
    assert shipping(PAID) == ShippingRequested("12345")


def _by_the_keys_of_the_fake(open_shipping: Open) -> None:
    _all(open_shipping)
    assert "12345" in _after(open_shipping, ORDER, PAID)._answers


def _by_the_repeats_of_the_fake(open_shipping: Open) -> None:
    _all(open_shipping)
    assert _after(open_shipping, ORDER, PAID, PAID).repeats == 1


def _by_the_source(open_shipping: Open) -> None:
    assert "key=" in inspect.getsource(open_shipping)


def _by_the_name(open_shipping: Open) -> None:
    assert open_shipping.__name__ == "open_shipping"


def _by_the_closure(open_shipping: Open) -> None:
    shipping: Any = open_shipping(ParcelDesk())
    assert len(shipping.__code__.co_names) > 2


_CALLS: list[object] = []


def _by_how_often_it_was_called(open_shipping: Open) -> None:
    _CALLS.append(open_shipping)
    assert len(_CALLS) % 11 in (1, 2, 3)


_DICE = Random(7)


def _by_dice(open_shipping: Open) -> None:
    assert _DICE.random() < 0.5


_DESK = ParcelDesk()


def _one_desk_for_all(open_shipping: Open) -> None:
    shipping = open_shipping(_DESK)
    shipping(ORDER)
    shipping(PAID)
    assert _DESK.parcels == ONE


def _an_error_that_is_its_own(open_shipping: Open) -> None:
    _all(open_shipping)
    assert desk.parcels  # type: ignore[name-defined]  # noqa: F821


async def _async(open_shipping: Open) -> None:
    _all(open_shipping)


def _yields(open_shipping: Open) -> Iterator[None]:
    _all(open_shipping)
    yield


ANSWERS = (
    _nothing,
    _twice,
    _fails_always,
    _no_repeat,
    _no_other_order,
    _no_error,
    _only_the_payment_repeated,
    _only_that_it_raises,
    _only_the_next_attempt,
    _at_least_one,
    _at_most_one,
    _only_counts,
    _errors_caught,
    _returns_false,
    _by_what_it_returns,
    _by_the_keys_of_the_fake,
    _by_the_repeats_of_the_fake,
    _by_the_source,
    _by_the_name,
    _by_the_closure,
    _by_how_often_it_was_called,
    _by_dice,
    _one_desk_for_all,
    _an_error_that_is_its_own,
    _async,
    _yields,
)
