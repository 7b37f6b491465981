"""Exercise 06-once, its nights: which orders come, and where the services crash, the simplest night first."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import product
from random import Random
from typing import Any

import msgspec

from eda_lab.faults import Crash
from eda_lab.orders import Item, OrderPlaced

__all__ = ["SERVICES", "Night", "crash_at_the_end", "nights", "plain_night", "wanted"]

SERVICES = ("inventory", "payment")
POINTS = 9  # the crash points of an attempt that are tried one by one: enough for three transactions
DRAWN = 100  # further nights
CUSTOMERS = ("ADA", "BOB")


class Night(msgspec.Struct, frozen=True):
    """Orders with the second at which each comes, the crashes, and whether the bus hands out each message twice.

    `special` says what else is to be seen in it.
    """

    orders: tuple[tuple[float, OrderPlaced], ...]
    crashes: tuple[Crash, ...] = ()
    twice: bool = False
    first_id: int = 1
    special: str = ""

    def __str__(self) -> str:
        orders = "1 order" if len(self.orders) == 1 else f"{len(self.orders)} orders"
        return ", ".join(filter(None, [orders, "each message delivered twice" if self.twice else "", self.special]))


ITEMS = (Item("PROD1", 2),)
BUSY = 40  # orders of a night on which many come before the first one is repeated


def _orders(*customers: str, at: tuple[float, ...] = (0.0,) * BUSY, items: tuple[Item, ...] = ITEMS) -> Any:
    return tuple((at[n], OrderPlaced(str(12345 + n), customer, items)) for n, customer in enumerate(customers))


def plain_night(number: int) -> Night:
    """Return a night on which nothing goes wrong: one order, of this number."""
    return Night(((0.0, OrderPlaced(str(number), "ADA", ITEMS)),), first_id=number)


def crash_at_the_end(service: str) -> Night:
    """Return a night with one order, on which a service crashes when all its work is done, before the ack."""
    return Night(_orders("ADA"), (Crash(service, "1", 1, "before ack"),))


@cache
def nights() -> list[Night]:
    """Return all nights, the simplest first.

    Every single crash, also with two orders, two products and two lines of one product; every pair of crashes; a busy
    night; then those drawn by chance.
    """
    one, two, mixed = _orders("ADA"), _orders("ADA", "ADA"), _orders("ADA", items=(*ITEMS, Item("PROD2", 1)))
    lines = _orders("ADA", items=(*ITEMS, Item("PROD1", 3)))
    says = "with two lines of the same product"
    late = tuple(Crash(service, "1", 1, "before ack") for service in SERVICES)
    crashes = [Crash(service, "1", 1, point) for service, point in product(SERVICES, range(POINTS))]
    again = [(first, Crash(first.consumer, "1", 2, point)) for first in crashes for point in range(POINTS)]
    return [
        Night(one),
        *(Night(one, (crash,)) for crash in crashes),
        Night(one, twice=True),
        Night(two),
        Night(mixed),
        Night(lines, special=says),
        *(Night(orders, (crash,)) for orders in (two, mixed) for crash in crashes),
        *(Night(lines, (crash,), special=says) for crash in crashes),
        *(Night(one, pair) for pair in again),
        Night(_orders(*CUSTOMERS * (BUSY // 2)), late, special="the first one repeated after all others"),
        *map(_drawn, range(DRAWN)),
    ]


def _drawn(seed: int) -> Night:
    rng = Random(f"once/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    number = pick(2, 3, 4)
    items = (Item("PROD1", pick(1, 3)), Item("PROD2", pick(1, 4), 900), Item("PROD1", 1))[: pick(1, 2, 3)]
    at = tuple(pick(0.0, 1.0, 40.0) for _ in range(number))
    orders = _orders(*(pick(*CUSTOMERS) for _ in range(number)), at=at, items=items)
    crashes = {
        (pick(*SERVICES), str(1 + int(rng.random() * number)), pick(1, 1, 2, 3)): int(rng.random() * POINTS)
        for _ in range(pick(1, 3, 6))
    }
    return Night(orders, tuple(Crash(*where, point) for where, point in crashes.items()), twice=pick(False, True))


def wanted(order: OrderPlaced) -> Counter[str]:
    """Return how many pieces of each product an order asks for."""
    pieces: Counter[str] = Counter()
    for item in order.items:
        pieces[item.sku] += item.quantity
    return pieces
