"""The books of a checkout: what is a silent order, what a ghost, and how long an order waits until it is published."""

from __future__ import annotations

import pytest

from eda_lab import Database, EventBus, Shop, make_order
from eda_lab.course import Checkouts


def books_of(
    committed: dict[int, float], published: dict[int, tuple[float, ...]], parcels: tuple[int, ...]
) -> Checkouts:
    """Return the books after these orders (by number) were committed, published and shipped."""
    bus, shop = EventBus(), Shop()
    db = Database(orders={make_order(n).order_id: second for n, second in committed.items()})
    for n, seconds in published.items():
        for second in seconds:
            bus.publish(make_order(n), at=second)
    for n in parcels:
        shop.request_shipping(make_order(n))
    bus.run()
    return Checkouts(bus, db, shop)


@pytest.mark.parametrize(
    ("committed", "published", "parcels", "expected"),
    [
        ({1: 0.0}, {1: (0.0,)}, (1,), (1, 0, 0, 0, 0)),
        ({1: 0.0}, {}, (), (0, 1, 0, 0, 0)),
        ({}, {1: (0.0,)}, (1,), (1, 0, 1, 0, 0)),
        ({1: 0.0, 2: 1.0}, {1: (2.0, 3.0, 3.0), 2: (2.0,)}, (1, 2), (2, 0, 0, 2, 1.5)),
        ({}, {}, (), (0, 0, 0, 0, 0)),
    ],
)
def test_what_is_counted(
    committed: dict[int, float], published: dict[int, tuple[float, ...]], parcels: tuple[int, ...], expected: object
) -> None:
    books = books_of(committed, published, parcels)
    needs = books.needs(books.bus.trace)
    assert tuple(books.done[name] for name in needs) == expected
    assert tuple(needs.values()) == (len(committed), 0, 0, None, None)
    assert (books.done["orders in the database"], books.done["orders published"]) == (len(committed), len(published))


def test_each_order_has_a_row_wherever_it_is_known() -> None:
    books = books_of({1: 0.0, 2: 0.0}, {2: (0.0, 1.0), 3: (0.0,)}, (3,))
    assert books.orders.rows == [("12345", "yes", 0, 0), ("12346", "yes", 2, 0), ("12347", "no", 1, 1)]
