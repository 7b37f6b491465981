"""The books of payment: what counts as charged, as an extra charge, and as lost."""

from __future__ import annotations

import pytest

from eda_lab import Crash, EventBus, Faults, make_order, open_shop
from eda_lab.course import Payments

AT_THE_SECOND = ("payment", "2", 1)


def payments(ack: str, *crashes: Crash, orders: int = 3) -> Payments:
    bus = EventBus(faults=Faults(crashes=crashes))
    books = Payments(bus, open_shop(bus, services={"payment": 0.5, "email": 0.3}, ack=ack))
    for n in range(1, orders + 1):
        bus.publish(make_order(n))
    bus.run()
    return books


def counted(books: Payments) -> tuple[int, ...]:
    done = books.done
    return tuple(done[name] for name in books.needs(books.bus.trace))


def test_a_day_without_a_crash_gives_the_shop_what_it_needs() -> None:
    books = payments("after")
    assert books.needs(books.bus.trace) == {"orders charged": 3, "extra charges": 0, "orders lost": 0}
    assert counted(books) == (3, 0, 0)


@pytest.mark.parametrize(
    ("ack", "point", "expected"),
    [
        ("after", "before card.charge", (3, 0, 0)),
        ("after", "after card.charge", (3, 1, 0)),
        ("before", "before card.charge", (2, 0, 1)),
        ("before", "after card.charge", (3, 0, 1)),
    ],
)
def test_ack_and_crash_point_say_what_is_lost_and_what_is_repeated(
    ack: str, point: str, expected: tuple[int, ...]
) -> None:
    assert counted(payments(ack, Crash(*AT_THE_SECOND, point))) == expected


def test_an_order_that_is_charged_three_times_is_one_order_with_two_extra_charges() -> None:
    books = payments("after", *(Crash("payment", "2", attempt, "after card.charge") for attempt in (1, 2)))
    assert counted(books) == (3, 2, 0)
    assert books.done["orders charged twice or more"] == 1


def test_what_another_group_loses_is_not_lost_by_payment() -> None:
    books = payments("before", Crash("email", "2", 1, "before mail.send"))
    assert counted(books) == (3, 0, 0)


def test_a_refund_is_no_charge() -> None:
    books = payments("after")
    books.shop.card.refund("12345")
    assert counted(books) == (3, 0, 0)
