"""Exercise 08-projection, its histories: what was published, and what went wrong, the simplest history first."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random
from typing import Any

import msgspec

from eda_lab.events import Event, type_name
from eda_lab.faults import Crash
from eda_lab.orders import Item, OrderCounted, OrderPlaced, PaymentCaptured

__all__ = ["DAY", "MANY", "VIEW", "History", "histories", "order", "plain_history"]

VIEW = "takings"
DAY = 86_400  # seconds
POINTS = 7  # the crash points of an attempt that are tried one by one: enough for two transactions
LENGTH = 200  # histories
MANY = 200  # orders of the longest one


class GiftCardSold(Event):
    """A type that came into the shop after the view was written."""

    order_id: str
    customer_id: str
    total_cents: int


class History(msgspec.Struct, frozen=True):
    """Events with the second at which each was published, crashes, and whether each message is delivered twice.

    `down` is how many calls of the database fail at first, live and in the replay. `special` says what else there is to
    see in it. A part of it is replayed a second time, from position `again_from` on.
    """

    events: tuple[tuple[float, Event], ...]
    crashes: tuple[Crash, ...] = ()
    twice: bool = False
    down: int = 0
    first_id: int = 1
    special: str = ""

    @property
    def again_from(self) -> int:
        """The position from which it is replayed once more: the second half, or, of a long one, all."""
        return 1 if len(self.events) >= MANY else 1 + len(self.events) // 2

    @property
    def new_day(self) -> int:
        """The day of the order that comes when all this is over."""
        return 9 + int(max(at for at, _ in self.events) // DAY)

    @property
    def takings(self) -> dict[int, int]:
        """The cents that the orders of each day bring in; a day that brings in nothing is not there."""
        days: Counter[int] = Counter()
        for at, event in self.events:
            if isinstance(event, OrderPlaced):
                days[int(at // DAY)] += event.total_cents
        return {day: cents for day, cents in days.items() if cents}

    def __str__(self) -> str:
        orders = sum(isinstance(event, OrderPlaced) for _, event in self.events)
        others = [type_name(type(event)) for _, event in self.events if not isinstance(event, OrderPlaced)]
        parts = [f"{orders or 'no'} order{'' if orders == 1 else 's'}", *others]
        more = ", each message delivered twice" if self.twice else ""
        return f"{' and '.join(parts)}{self.special}{more}{', the database down at first' if self.down else ''}"


def order(number: int, customer: str = "ADA", pieces: int = 2, price: int = 2_500, *more: Item) -> OrderPlaced:
    """Return an order of so many pieces of PROD1, and of more items."""
    return OrderPlaced(str(number), customer, (Item("PROD1", pieces, price), *more))


def plain_history(number: int) -> History:
    """Return a history in which nothing goes wrong: one order, of this number."""
    return History(((0.0, order(number)),), first_id=number)


@cache
def histories() -> list[History]:
    """Return all histories, the simplest first, those drawn by chance last."""
    one, late = ((100.0, order(12345)),), ((DAY - 5.0, order(12345)),)
    two = (*one, (200.0, order(12346)))
    close, same = (*one, (101.0, order(12346, "BOB"))), (*one, (100.0, order(12346)))
    days = ((DAY - 5.0, order(12345)), (3 * DAY + 40_000.0, order(12346, "BOB")))
    two_articles = order(12345, "ADA", 2, 2_500, Item("PROD2", 1, 700))
    two_lines = order(12345, "ADA", 2, 2_500, Item("PROD1", 1, 900))
    moments = (DAY - 1.0, DAY - 0.4, float(DAY), 40.0 * DAY, 400.0 * DAY, 20_000.0 * DAY)
    # Some 17 orders a day, and of one customer in ten.
    many = tuple((n * 5_000.0, order(12345 + n, f"USER{n % 10}")) for n in range(MANY))
    strange = (OrderCounted("12345", 5_000), PaymentCaptured("12345", 5_000), GiftCardSold("1", "ADA", 4_000))
    crashes = [Crash(VIEW, "1", 1, point) for point in range(POINTS)]
    certain = [
        History(one),
        *(History(((100.0, event),)) for event in strange),
        *(History(one, (crash,)) for crash in crashes),
        History(((100.0, two_articles),), special=" of two articles"),
        History(((100.0, two_lines),), special=" with PROD1 in two lines, at two prices"),
        History(((100.0, order(12345, price=0)),), special=" that costs nothing"),
        History(((100.0, order(12345, pieces=1_000)),), special=" of a thousand pieces"),
        *(History(((at, order(12345)),), special=f" at second {at:,.10g}") for at in moments),
        History(one, twice=True),
        History(one, down=1),
        History(two),
        History(same),
        History(days),
        History(late, (Crash(VIEW, "1", 1, "before work"),)),
        *(History((*one, (150.0, event))) for event in strange),
        *(History(one, (crash, Crash(VIEW, "1", 2, 2))) for crash in crashes),
        *(History(orders, (crash,)) for orders in (two, close) for crash in crashes),
        History((*two, (300.0, strange[0]), (DAY + 5.0, order(12347))), twice=True),
        History(many),
    ]
    return [*certain, *map(_drawn, range(LENGTH - len(certain)))]


def _drawn(seed: int) -> History:
    rng = Random(f"view/{seed}")

    def pick(*options: Any) -> Any:
        return options[int(rng.random() * len(options))]

    events: list[tuple[float, Event]] = []
    at = 0.0
    for number in range(12345, 12345 + pick(2, 3, 5)):
        at += pick(1.0, 50.0, DAY / 2, 2.0 * DAY)
        placed = order(number, pick("ADA", "BOB"), pick(1, 2, 3), pick(900, 2_500))
        counted = OrderCounted(str(number), placed.total_cents)
        event = pick(placed, placed, counted, GiftCardSold(str(number), "BOB", 700))
        events.append((at, event))
    crashes = {(str(pick(1, 2)), pick(1, 1, 2)): pick(*range(POINTS)) for _ in range(pick(0, 1, 2))}
    return History(
        tuple(events), tuple(Crash(VIEW, *where, point) for where, point in crashes.items()), pick(False, True)
    )
