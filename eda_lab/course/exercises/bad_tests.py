"""Wrong answers to exercise 09-test, tests that look behind the stage, hide errors, or fail for no fault."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

from eda_lab.course.exercises.blind_tests import ONE, ORDER, PAID, Open, after, everything, searched
from eda_lab.effects import Parcel, ParcelDesk
from eda_lab.orders import ShippingRequested

__all__ = ["ANSWERS"]


def _errors_caught(open_shipping: Open) -> None:
    with suppress(Exception):
        everything(open_shipping)


def _returns_false(open_shipping: Open) -> bool:
    try:
        everything(open_shipping)
    except (AssertionError, KeyError):
        return False
    return True


def _by_what_it_returns(open_shipping: Open) -> None:
    everything(open_shipping)
    shipping = open_shipping(ParcelDesk())
    shipping(ORDER)
    assert shipping(PAID) == ShippingRequested("12345")


def _by_the_keys_of_the_fake(open_shipping: Open) -> None:
    everything(open_shipping)
    assert "12345" in after(open_shipping, ORDER, PAID)._answers


def _by_the_repeats_of_the_fake(open_shipping: Open) -> None:
    everything(open_shipping)
    assert after(open_shipping, ORDER, PAID, PAID).repeats == 1


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
    everything(open_shipping)
    assert desk.parcels  # type: ignore[name-defined]  # noqa: F821


async def _async(open_shipping: Open) -> None:
    everything(open_shipping)


def _yields(open_shipping: Open) -> Iterator[None]:
    everything(open_shipping)
    yield


def _reads_inside_in_a_helper(open_shipping: Open) -> None:
    everything(open_shipping)
    assert _cells_of(open_shipping(ParcelDesk()))


def _cells_of(shipping: Any) -> int:
    return len(shipping.__closure__)


def _patches_the_desk(open_shipping: Open) -> None:
    def request(desk: ParcelDesk, order_id: str, customer_id: str, key: str | None = None) -> None:
        desk.parcels[:] = ONE

    ParcelDesk.request = request  # type: ignore[method-assign, assignment]
    everything(open_shipping)


def _patches_the_parcels(open_shipping: Open) -> None:
    Parcel.__hash__ = lambda parcel: 1  # type: ignore[method-assign, assignment]
    ParcelDesk.sent = property(lambda desk: ONE)  # type: ignore[attr-defined]
    everything(open_shipping)


def _counts_requests(open_shipping: Open) -> None:
    class Desk(ParcelDesk):
        asked = 0

        def request(self, order_id: str, customer_id: str, key: str | None = None) -> Parcel:
            self.asked += 1
            return super().request(order_id, customer_id, key)

    everything(open_shipping)
    desk = Desk()
    shipping = open_shipping(desk)
    for event in (ORDER, PAID, PAID):
        shipping(event)
    assert desk.asked == 1


def _a_desk_of_its_own(open_shipping: Open) -> None:
    class Desk:
        parcels: tuple[Parcel, ...] = ()

    open_shipping(Desk())


def _searches_without_a_retry(open_shipping: Open) -> None:
    everything(open_shipping)
    assert searched(open_shipping).passed


ANSWERS = (
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
    _reads_inside_in_a_helper,
    _patches_the_desk,
    _patches_the_parcels,
    _counts_requests,
    _a_desk_of_its_own,
    _searches_without_a_retry,
)
